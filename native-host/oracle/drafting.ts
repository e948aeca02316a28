import type { DoneReason } from '../../shared/drafter/draft-worker.ts'
import type { Metrics, RerouteReason } from '../metrics.ts'
import { type DraftedPath, NO_PATH } from '../scheduler/draft-trie.ts'
import type { Load } from '../scheduler/load.ts'
import type { PassValue } from '../scheduler/usefulness.ts'
import type { ActiveRequest } from './active-request.ts'
import type { Attachment } from './attachment.ts'
import { type Contribution, Desk, type DraftedPass, type Prospect } from './desk.ts'
import { GaugeShare } from './gauge-share.ts'
import type { WorkerStatus } from './generation.ts'
import { type Demand, Hiring, STEADY, type StaffingInit } from './hiring.ts'
import { restAfter, type WorkerRecord, WorkerRecords } from './worker-records.ts'

export interface DraftingInit extends StaffingInit {
  readonly vocabSize: number
  readonly metrics: Metrics
}

/** Assignments are looked over this often while nothing else calls for it, in milliseconds. */
const TEND_MS = 250
/** Passes after which a worker's acceptance may be held against it. */
const TRIED = 4
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
  /** What workers did in the pass that is being accounted for. */
  #contributions: Contribution[] = []
  #tendAt = 0

  constructor(init: DraftingInit) {
    const { draftNodes, workers } = init.metrics
    this.#init = init
    this.#nodes = new GaugeShare(draftNodes)
    this.#workers = {
      scout: new GaugeShare(workers, { origin: 'scout' }),
      local: new GaugeShare(workers, { origin: 'local' }),
    }
    this.#hiring = new Hiring({ ...init, records: this.#records })
    this.#unsubscribe = init.pool.onChange(() => {
      this.#tendAt = 0
      this.#gauge()
      init.ring()
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

  /**
   * Replaces workers that have gone or stalled, lets go those that don't pay, and staffs whoever is short.
   *
   * @param demand called only where they are looked over: hundreds of estimates are too much for every pass
   */
  tend(load: Load, demand: () => Demand): void {
    const { now, steady } = load
    let nodes = 0
    for (const desk of this.#desks.values()) {
      for (const attachment of desk.attachments)
        if (attachment.closed !== null) this.#failed(desk, attachment)
    }
    if (now >= this.#tendAt || steady === STEADY) this.#review(demand())
    for (const desk of this.#desks.values()) nodes += desk.nodes
    this.#nodes.set(nodes)
  }

  #review(demand: Demand): void {
    this.#tendAt = demand.load.now + TEND_MS
    for (const [desk, attachment] of this.#attachments()) {
      if (!this.#stalled(attachment)) continue
      attachment.closed = { reason: 'stalled', fault: false }
      this.#failed(desk, attachment)
    }
    if (!this.#init.settings.forceDrafts) this.#letGo(demand)
    const desks = [...this.#desks.values()]
    this.#hiring.staff(desks, demand)
    const spare = this.#hiring.spare(desks)
    if (spare !== null) this.#dismiss(spare.desk, spare.attachment, 'reassigned')
  }

  /** Those that do not pay while so many requests run. */
  #letGo({ load, leastAcceptance }: Demand): void {
    const spent = new Set<WorkerRecord>()
    for (const [desk, attachment] of this.#attachments()) {
      const { record, worker } = attachment
      const verdict = record.usefulness.at(load)
      const tooBad = verdict.passes >= TRIED && record.acceptance.upper < leastAcceptance[worker.origin]
      if (verdict.spent || tooBad) {
        if (!spent.has(record)) {
          const facts = { worker: worker.id, requests: load.requests, savedMs: verdict.mean }
          this.#init.log.info(facts, 'worker not needed here')
        }
        spent.add(record)
      } else if (verdict.ready(load)) continue
      this.#dismiss(desk, attachment, 'not-needed')
    }
    for (const { usefulness } of spent) {
      const verdict = usefulness.at(load)
      this.#hiring.pause(load, verdict.lostMs)
      verdict.rest(load)
    }
  }

  *#attachments(): Generator<readonly [Desk, Attachment]> {
    for (const desk of this.#desks.values()) {
      for (const attachment of desk.attachments) yield [desk, attachment]
    }
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
    this.#contributions.push(...(this.#desks.get(request)?.passed(pass) ?? []))
  }

  /**
   * All requests of a pass have been accounted for: what each worker was worth to them together.
   *
   * @param dragMs each assignment's share of what drafting itself takes from passes, in milliseconds
   */
  value(load: Load, dragMs: number): void {
    const values = new Map<WorkerRecord, PassValue>()
    for (const { attachment, accepted, extraMs, waitedMs } of this.#contributions) {
      const sum = values.get(attachment.record)
      values.set(attachment.record, {
        assignments: (sum?.assignments ?? 0) + 1,
        accepted: (sum?.accepted ?? 0) + accepted,
        extraMs: (sum?.extraMs ?? 0) + extraMs,
        waitedMs: (sum?.waitedMs ?? 0) + waitedMs,
        dragMs: (sum?.dragMs ?? 0) + dragMs,
      })
    }
    this.#contributions = []
    for (const [{ usefulness }, value] of values) {
      usefulness.observe(load, value)
      if (usefulness.at(load).spent) this.#tendAt = 0
    }
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
    restAfter(label === 'closed' ? 'closed' : 'failed', attachment.record, clock.now())
    this.#dismiss(desk, attachment, 'reassigned')
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
