import type { DraftWorker } from '../../shared/drafter/draft-worker.ts'
import { Acceptance } from '../scheduler/acceptance.ts'
import { LinkTiming } from '../scheduler/link-timing.ts'
import { Usefulness } from '../scheduler/usefulness.ts'

/** Records kept: a pool's workers several times over; the longest unused goes first. */
const MOST_RECORDS = 1024
/** Waits that the prior is worth, and how many of them paid. */
const RELIABILITY_PRIOR = [0.8, 5] as const

/**
 * A worker is not asked again for so long, in milliseconds: one that failed to take work, stalled or broke the protocol; and
 * one that just went away.
 */
const REST_MS = { failed: 10_000, closed: 1_000 } as const

/** What the Oracle has learned of one worker with one draft model, over all its assignments. */
export interface WorkerRecord {
  readonly acceptance: Acceptance
  readonly timing: LinkTiming
  readonly usefulness: Usefulness
  /** Chance that a draft that was waited for came in time. */
  readonly reliability: Acceptance
  /** Wall-clock milliseconds of the first meeting. */
  readonly since: number
  /** Not asked again before this moment (the Oracle's clock): it stalled, closed or broke the protocol. */
  restsUntil: number
  /** Tokens that it was first to send and that took part in a pass, and those of them that were confirmed. */
  drafted: number
  accepted: number
}

/** Kept per worker and draft model: the same machine with another model is another drafter. */
export class WorkerRecords {
  readonly #records = new Map<string, WorkerRecord>()

  of(worker: DraftWorker): WorkerRecord {
    const key = `${worker.id} ${worker.model}`
    const record = this.#records.get(key) ?? {
      acceptance: new Acceptance(),
      timing: new LinkTiming(),
      usefulness: new Usefulness(worker.origin),
      reliability: new Acceptance(...RELIABILITY_PRIOR),
      since: Date.now(),
      restsUntil: 0,
      drafted: 0,
      accepted: 0,
    }
    this.#records.delete(key)
    this.#records.set(key, record)
    if (this.#records.size > MOST_RECORDS) {
      const oldest = this.#records.keys().next()
      if (!oldest.done) this.#records.delete(oldest.value)
    }
    return record
  }
}

/** It is left alone for a while. */
export function restAfter(why: keyof typeof REST_MS, record: WorkerRecord, now: number): void {
  record.restsUntil = now + REST_MS[why]
}
