import type { DoneReason, DraftWorkerPool } from '../../shared/drafter/draft-worker.ts'
import type { Log } from '../../shared/log.ts'
import type { Metrics, RerouteReason } from '../metrics.ts'
import { type DraftedPath, NO_PATH } from '../scheduler/draft-trie.ts'
import type { ActiveRequest } from './active-request.ts'
import type { Attachment } from './attachment.ts'
import type { Clock } from './clock.ts'
import { Desk, type DraftedPass, type Prospect } from './desk.ts'
import { GaugeShare } from './gauge-share.ts'
import type { WorkerStatus } from './generation.ts'
import { Hiring } from './hiring.ts'
import type { OracleSettings } from './settings.ts'
import { WorkerRecords } from './worker-records.ts'

export interface DraftingInit {
  readonly pool: DraftWorkerPool
  readonly vocabSize: number
  readonly settings: OracleSettings
  readonly log: Log
  readonly metrics: Metrics
  readonly clock: Clock
  /** Wakes the pass loop. */
  readonly ring: () => void
  readonly assignmentIds: () => number
}

/** Assignments are looked over this often while nothing else calls for it, in milliseconds. */
const TEND_MS = 250
/** A worker that stalled or broke the protocol, or that just went away, is not asked again for so long, in milliseconds. */
const FAILED_REST_MS = 10_000
const CLOSED_REST_MS = 1_000
/** Prompt tokens that a worker may read per `stallMs` before its first draft: slow devices read slowly. */
const READ_TOKENS = 512

/** Brings workers and requests together. Everything here happens between passes, but for frames that come to an inbox. */
export class Drafting {
  readonly #init: DraftingInit
  readonly #records = new WorkerRecords()
  readonly #hiring: Hiring
  readonly #desks = new Map<ActiveRequest, Desk>()
  readonly #unsubscribe: () => void
  readonly #nodes: GaugeShare
  readonly #workers: Readonly<Record<'scout' | 'local', GaugeShare<'origin'>>>
  #tendAt = 0

  constructor(init: DraftingInit) {
    const { pool, settings, log, clock, ring, assignmentIds } = init
    const { draftNodes, workers } = init.metrics
    this.#init = init
    this.#nodes = new GaugeShare(draftNodes)
    this.#workers = {
      scout: new GaugeShare(workers, { origin: 'scout' }),
      local: new GaugeShare(workers, { origin: 'local' }),
    }
    this.#hiring = new Hiring({ pool, records: this.#records, settings, log, clock, ring, assignmentIds })
    this.#unsubscribe = pool.onChange(() => {
      this.#tendAt = 0
      this.#gauge()
      ring()
    })
    this.#gauge()
  }

  /** A request got its slot. `preferred`: workers that drafted what its prompt begins with. */
  join(request: ActiveRequest, preferred: readonly string[]): void {
    const { vocabSize, metrics } = this.#init
    this.#desks.set(request, new Desk(request, preferred, vocabSize, metrics))
    this.#tendAt = 0
  }

  /** Workers at work, counted once for every request. */
  get attached(): number {
    let attached = 0
    for (const { attachments } of this.#desks.values()) attached += attachments.length
    return attached
  }

  /** A request is over; returns the workers that helped it. */
  leave(request: ActiveRequest, reason: DoneReason): readonly string[] {
    const desk = this.#desks.get(request)
    if (desk === undefined) return []
    this.#desks.delete(request)
    desk.close()
    for (const attachment of desk.attachments) this.#end(attachment, reason)
    this.#tendAt = 0
    return [...desk.helpers]
  }

  /** Replaces workers that have gone or stalled, lets go those that don't pay, and staffs whoever is short. */
  tend(tokenMs: number): void {
    const now = this.#init.clock.now()
    let nodes = 0
    for (const desk of this.#desks.values()) {
      for (const attachment of desk.attachments)
        if (attachment.closed !== null) this.#failed(desk, attachment)
    }
    if (now >= this.#tendAt) this.#review(now, tokenMs)
    for (const desk of this.#desks.values()) nodes += desk.nodes
    this.#nodes.set(nodes)
  }

  #review(now: number, tokenMs: number): void {
    const { settings } = this.#init
    this.#tendAt = now + TEND_MS
    for (const desk of this.#desks.values()) {
      for (const attachment of desk.attachments) {
        if (this.#stalled(attachment)) {
          attachment.closed = { reason: 'stalled', fault: false }
          this.#failed(desk, attachment)
        } else if (attachment.record.usefulness.spent && !settings.forceDrafts) {
          this.#notNeeded(desk, attachment, now)
        }
      }
    }
    const desks = [...this.#desks.values()]
    this.#hiring.staff(desks, tokenMs)
    const spare = this.#hiring.spare(desks)
    if (spare !== null) this.#dismiss(spare.desk, spare.attachment, 'reassigned')
  }

  /** Grafts what has arrived since the last pass, against the tokens decided meanwhile. */
  graft(): void {
    for (const desk of this.#desks.values()) desk.graft()
  }

  /** What the next pass may verify for a request. */
  path(request: ActiveRequest): DraftedPath {
    return this.#desks.get(request)?.path() ?? NO_PATH
  }

  /** Whose next draft is worth most for a request; null when nothing is due. */
  prospect(request: ActiveRequest): Prospect | null {
    return this.#desks.get(request)?.prospect() ?? null
  }

  /** Workers from whom something is owed for a request that has nothing in hand. */
  owing(request: ActiveRequest): readonly Attachment[] {
    const attachments = this.#desks.get(request)?.attachments ?? []
    return attachments.filter((attachment) => attachment.owes && attachment.lively)
  }

  /** A pass has ended: accounts, acceptance, the trie's new root, and the news to the workers. */
  passed(request: ActiveRequest, pass: DraftedPass): void {
    this.#desks.get(request)?.passed(pass)
  }

  workers(): WorkerStatus[] {
    return this.#init.pool.workers().map((worker) => {
      const { drafted, accepted, since } = this.#records.of(worker)
      return { id: worker.id, origin: worker.origin, model: worker.model, drafted, accepted, since }
    })
  }

  stop(): void {
    this.#unsubscribe()
    for (const request of [...this.#desks.keys()]) this.leave(request, 'shutdown')
    for (const share of [this.#nodes, ...Object.values(this.#workers)]) share.set(0)
  }

  #stalled(attachment: Attachment): boolean {
    if (attachment.worker.origin === 'local') return false
    const { stallMs } = this.#init.settings
    const reading = attachment.frames === 0 ? 1 + attachment.request.tokens.length / READ_TOKENS : 1
    return attachment.owedMs() > stallMs * reading
  }

  /** The worker broke off: its place is free for another. */
  #failed(desk: Desk, attachment: Attachment): void {
    const { log, metrics, clock } = this.#init
    const { reason, fault } = attachment.closed ?? { reason: 'closed', fault: false }
    const label: RerouteReason = fault ? 'fault' : reason === 'stalled' ? 'stalled' : 'closed'
    log.info({ request: desk.request.id, worker: attachment.worker.id, reason, fault }, 'rerouting')
    metrics.rerouting.inc({ reason: label })
    if (fault) desk.avoided.add(attachment.worker.id)
    attachment.record.restsUntil = clock.now() + (label === 'closed' ? CLOSED_REST_MS : FAILED_REST_MS)
    this.#dismiss(desk, attachment, 'reassigned')
  }

  #notNeeded(desk: Desk, attachment: Attachment, now: number): void {
    const savedMs = attachment.record.usefulness.mean
    const facts = { request: desk.request.id, worker: attachment.worker.id, savedMs }
    this.#init.log.info(facts, 'worker not needed here')
    this.#hiring.pause()
    this.#dismiss(desk, attachment, 'not-needed')
    const elsewhere = [...this.#desks.values()].some(({ attachments }) =>
      attachments.some(({ record }) => record === attachment.record),
    )
    if (!elsewhere) attachment.record.usefulness.rest(now)
  }

  #dismiss(desk: Desk, attachment: Attachment, reason: DoneReason): void {
    desk.detach(attachment)
    this.#end(attachment, reason)
    this.#tendAt = 0
  }

  #end(attachment: Attachment, reason: DoneReason): void {
    try {
      attachment.done(reason)
    } catch (error) {
      this.#init.log.warn({ err: error, worker: attachment.worker.id }, 'a drafter failed to end its work')
    }
  }

  #gauge(): void {
    const workers = this.#init.pool.workers()
    for (const origin of ['scout', 'local'] as const) {
      this.#workers[origin].set(workers.filter((worker) => worker.origin === origin).length)
    }
  }
}
