import type { Metrics } from '../metrics.ts'
import type { DraftedPath } from '../scheduler/draft-trie.ts'
import type { Pace } from '../scheduler/pace.ts'
import type { PassCostModel, PlanItem } from '../scheduler/plan.ts'
import { decideWait } from '../scheduler/wait.ts'
import type { ActiveRequest } from './active-request.ts'
import type { Attachment } from './attachment.ts'
import type { Clock } from './clock.ts'
import type { Drafting } from './drafting.ts'

/** Timers are no more exact than this: shorter waits are not taken. In milliseconds. */
const LEAST_WAIT_MS = 0.5
/** Timers may fire so much early, in milliseconds. */
const TIMER_MS = 1

export interface PatienceInit {
  readonly drafting: Drafting
  readonly limits: { readonly maxRows: number; readonly maxWaitMs: number; readonly forceDrafts: boolean }
  readonly metrics: Metrics
  readonly clock: Clock
  readonly cost: PassCostModel
  readonly pace: Pace
}

/** One request of the pass that could begin now. */
export interface Ready {
  readonly request: ActiveRequest
  readonly item: PlanItem
  /** What the pass would verify of its drafts. */
  readonly path: DraftedPath
}

/** A draft that is waited for. */
interface Hope {
  /** Frames its sender had sent when the wait began. */
  readonly frames: number
  /** When it should be here. */
  readonly dueAt: number
}

/**
 * Whether a pass that could begin is put off for a draft, and who pays when that draft does not come. One pass is never put
 * off for longer than `maxWaitMs` in all.
 */
export class Patience {
  readonly #init: PatienceInit
  #wait: { readonly since: number; readonly hopes: Map<Attachment, Hope> } | null = null

  constructor(init: PatienceInit) {
    this.#init = init
  }

  /** Milliseconds to wait before looking again; 0 = begin. */
  consider(ready: readonly Ready[]): number {
    const { clock, limits, metrics } = this.#init
    const now = clock.now()
    const left = limits.maxWaitMs - (this.#wait === null ? 0 : now - this.#wait.since)
    const hopes = new Map<Attachment, number>()
    let waitMs = 0
    if (left > 0)
      waitMs = limits.forceDrafts ? this.#forced(ready, left, hopes) : this.#weighed(ready, left, hopes)
    if (waitMs < LEAST_WAIT_MS) {
      this.#settle(now)
      return 0
    }
    if (this.#wait === null) {
      this.#wait = { since: now, hopes: new Map() }
      metrics.waits.inc({ outcome: 'taken' })
    }
    for (const [attachment, dueMs] of hopes) {
      if (this.#wait.hopes.has(attachment)) continue
      this.#wait.hopes.set(attachment, { frames: attachment.frames, dueAt: now + dueMs })
    }
    return waitMs
  }

  /** By expected tokens per time. */
  #weighed(ready: readonly Ready[], left: number, hopes: Map<Attachment, number>): number {
    const { drafting, limits, cost, pace } = this.#init
    const prospects = ready.map(({ request }) => drafting.prospect(request))
    if (prospects.every((prospect) => prospect === null)) return 0
    const states = ready.map(({ request, item, path }, i) => {
      const { known } = item
      const prospect = prospects[i]
      const alpha = prospect?.alpha ?? 0
      return {
        path: path.p,
        rows: known,
        context: known * request.cached + (known * (known + 1)) / 2,
        emits: item.samples,
        ahead: Array.from({ length: prospect?.ahead ?? 0 }, (_, j) => alpha ** (j + 1)),
        due: prospect?.due ?? [],
        alpha,
        reliability: prospect?.attachment.record.reliability.alpha ?? 0,
      }
    })
    const { waitMs } = decideWait(states, { maxRows: limits.maxRows, maxWaitMs: left, pace: pace.rate }, cost)
    for (const prospect of prospects) {
      const dueMs = prospect?.due[0]
      if (prospect != null && dueMs !== undefined && dueMs <= waitMs) hopes.set(prospect.attachment, dueMs)
    }
    return waitMs
  }

  /** For whoever owes something to a request that has nothing in hand, as long as the bound allows. */
  #forced(ready: readonly Ready[], left: number, hopes: Map<Attachment, number>): number {
    for (const { request, item, path } of ready) {
      if (!item.samples || path.tokens.length > 0) continue
      for (const attachment of this.#init.drafting.owing(request)) hopes.set(attachment, left)
    }
    return hopes.size > 0 ? left : 0
  }

  /** The wait is over: it is charged to whom it was for. */
  #settle(now: number): void {
    if (this.#wait === null) return
    const { since, hopes } = this.#wait
    this.#wait = null
    const came = [...hopes].filter(([attachment, { frames }]) => attachment.frames > frames)
    const failed = [...hopes].filter(
      ([attachment, { frames, dueAt }]) => attachment.frames === frames && dueAt <= now + TIMER_MS,
    )
    if (came.length > 0) this.#init.metrics.waits.inc({ outcome: 'paid' })
    for (const [attachment] of came) attachment.record.reliability.observe(1, 0)
    for (const [attachment] of failed) attachment.record.reliability.observe(0, 1)
    // What came was worth its tokens, and is paid for like what did not.
    const waitedFor = [...came, ...failed]
    for (const [attachment] of waitedFor) attachment.waitedMs += (now - since) / waitedFor.length
  }
}
