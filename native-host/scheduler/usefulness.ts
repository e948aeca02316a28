import { type Load, loadSize } from './load.ts'
import { Verdict } from './verdict.ts'

/**
 * What an attached worker costs the Oracle per pass and request beside rows and waits, in milliseconds: its frames in and
 * out, the trie, and for a Scout encryption and the stream. Measured with two Scouts on the same two cores and a target that
 * decodes in 0.7 ms: a pass took 1.2 ms longer. Why a worker that gains nothing is a loss, and why nobody can help a tiny
 * target.
 */
export const OVERHEAD_MS = { scout: 0.6, local: 0.1 } as const

/** What a pass with a worker attached was worth, all its requests together. */
export interface PassValue {
  /** Requests of the pass that it drafts for. */
  readonly assignments: number
  /** Its tokens that were confirmed. */
  readonly accepted: number
  /** Milliseconds by which its rows made the pass longer. */
  readonly extraMs: number
  /** Milliseconds waited for it, whether it came or not. */
  readonly waitedMs: number
  /** Its share of the milliseconds by which passes take longer while somebody drafts: processor that drafters and frames use. */
  readonly dragMs: number
}

/**
 * Time that a worker saves, pass by pass, and whether it is worth having: judged apart for one request, two, up to four,
 * and so on, since one that helps a single request may only be in the way of sixteen. Says nothing about its honesty or its
 * model: a worker that does not pay here may pay elsewhere.
 */
export class Usefulness {
  readonly #overheadMs: number
  readonly #verdicts = new Map<number, Verdict>()

  constructor(origin: 'scout' | 'local' = 'scout') {
    this.#overheadMs = OVERHEAD_MS[origin]
  }

  observe(load: Load, { assignments, accepted, extraMs, waitedMs, dragMs }: PassValue): void {
    const overheadMs = Math.max(dragMs, assignments * this.#overheadMs)
    const savedMs = accepted * load.tokenMs - extraMs - waitedMs - overheadMs
    this.at(load).observe(savedMs / assignments, load.requests * load.tokenMs, assignments)
  }

  /** What is known of it while about so many requests run. */
  at({ requests }: Pick<Load, 'requests'>): Verdict {
    const size = loadSize(requests)
    const verdict = this.#verdicts.get(size) ?? new Verdict()
    this.#verdicts.set(size, verdict)
    return verdict
  }
}
