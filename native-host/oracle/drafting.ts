import type { DoneReason, DraftWorkerPool, Scope } from '../../shared/drafter/draft-worker.ts'
import type { Log } from '../../shared/log.ts'
import type { Metrics, RerouteReason } from '../metrics.ts'
import { type DraftedPath, DraftTrie, NO_PATH } from '../scheduler/draft-trie.ts'
import type { ActiveRequest, Outcome } from './active-request.ts'
import { Attachment } from './attachment.ts'
import type { Clock } from './clock.ts'
import { GaugeShare } from './gauge-share.ts'
import type { WorkerStatus } from './generation.ts'
import type { OracleSettings } from './settings.ts'
import { staff } from './staffing.ts'
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

/** What a pass did with one request's drafts. */
export interface DraftedPass {
  readonly path: DraftedPath
  readonly outcome: Outcome
  /** What a token costs without drafts, and what each draft row added, in milliseconds. */
  readonly tokenMs: number
  readonly draftRowMs: number
}

/** The worker that is expected to send next. */
export interface Prospect {
  readonly attachment: Attachment
  /** Tokens of its path beyond the last true one. */
  readonly ahead: number
  /** When its next tokens should be here, in milliseconds from now, rising. */
  readonly due: readonly number[]
  readonly alpha: number
}

/** Assignments are looked over this often while nothing else calls for it, in milliseconds. */
const TEND_MS = 250
/** A worker that stalled or broke the protocol, or that just went away, is not asked again for so long, in milliseconds. */
const FAILED_REST_MS = 10_000
const CLOSED_REST_MS = 1_000
/** Prompt tokens that a worker may read per `stallMs` before its first draft: slow devices read slowly. */
const READ_TOKENS = 512
/** Between two calls to the mesh for more Scouts, and after Scouts turned out not to pay, in milliseconds. */
const RECRUIT_MS = 1_000
const RECRUIT_REST_MS = 30_000

/** One request's drafts and drafters. */
interface Desk {
  readonly request: ActiveRequest
  readonly trie: DraftTrie
  readonly preferred: readonly string[]
  readonly avoided: Set<string>
  attachments: Attachment[]
  /** Everybody whose token was confirmed here, for the next turn of the conversation. */
  readonly helpers: Set<string>
}

/** Brings workers and requests together. Everything here happens between passes, but for frames that come to an inbox. */
export class Drafting {
  readonly #init: DraftingInit
  readonly #records = new WorkerRecords()
  readonly #desks = new Map<ActiveRequest, Desk>()
  readonly #unsubscribe: () => void
  readonly #nodes: GaugeShare
  readonly #workers: Readonly<Record<'scout' | 'local', GaugeShare<'origin'>>>
  #tendAt = 0
  #recruitAt = 0

  constructor(init: DraftingInit) {
    this.#init = init
    const { draftNodes, workers } = init.metrics
    this.#nodes = new GaugeShare(draftNodes)
    this.#workers = {
      scout: new GaugeShare(workers, { origin: 'scout' }),
      local: new GaugeShare(workers, { origin: 'local' }),
    }
    this.#unsubscribe = init.pool.onChange(() => {
      this.#tendAt = 0
      this.#gauge()
      init.ring()
    })
    this.#gauge()
  }

  /** A request got its slot. `preferred`: workers that drafted what its prompt begins with. */
  join(request: ActiveRequest, preferred: readonly string[]): void {
    const desk = { request, trie: new DraftTrie(), preferred, avoided: new Set<string>(), attachments: [] }
    this.#desks.set(request, { ...desk, helpers: new Set() })
    this.#tendAt = 0
  }

  /** A request is over; returns the workers that helped it. */
  leave(request: ActiveRequest, reason: DoneReason): readonly string[] {
    const desk = this.#desks.get(request)
    if (desk === undefined) return []
    this.#desks.delete(request)
    this.#count('untested', desk.trie.size)
    for (const attachment of desk.attachments) this.#end(attachment, reason)
    this.#tendAt = 0
    return [...desk.helpers]
  }

  /** Replaces workers that have gone or stalled, lets go those that don't pay, and staffs whoever is short. */
  tend(tokenMs: number): void {
    const now = this.#init.clock.now()
    for (const desk of this.#desks.values()) {
      for (const attachment of desk.attachments)
        if (attachment.closed !== null) this.#failed(desk, attachment)
    }
    if (now >= this.#tendAt) this.#review(now, tokenMs)
    this.#nodes.set([...this.#desks.values()].reduce((sum, { trie }) => sum + trie.size, 0))
  }

  #review(now: number, tokenMs: number): void {
    const { settings } = this.#init
    this.#tendAt = now + TEND_MS
    for (const desk of this.#desks.values()) {
      for (const attachment of [...desk.attachments]) {
        if (this.#stalled(attachment)) {
          attachment.closed = { reason: 'stalled', fault: false }
          this.#failed(desk, attachment)
        } else if (attachment.record.usefulness.spent && !settings.forceDrafts) {
          this.#notNeeded(desk, attachment, now)
        }
      }
    }
    this.#staff(now, tokenMs)
  }

  /** Grafts what has arrived since the last pass, against the tokens decided meanwhile. */
  graft(): void {
    for (const desk of this.#desks.values()) {
      for (const attachment of desk.attachments) {
        for (const frame of attachment.take()) {
          if (!this.#graft(desk, attachment, frame)) break
        }
      }
    }
  }

  #graft(desk: Desk, attachment: Attachment, frame: ReturnType<Attachment['take']>[number]): boolean {
    const { vocabSize } = this.#init
    try {
      const foreign = frame.tokens.find((id) => !Number.isInteger(id) || id < 0 || id >= vocabSize)
      if (foreign !== undefined) throw new RangeError(`token ${foreign} is not below ${vocabSize}`)
      const { live, late, dead, missed } = attachment.path.draft(frame, desk.request.tokens)
      this.#count('late', late)
      this.#count('untested', dead)
      if (missed) attachment.observe(0, 1)
      desk.trie.graft(attachment.worker.id, live)
      return true
    } catch (error) {
      attachment.closed ??= { reason: error instanceof Error ? error.message : 'bad frame', fault: true }
      return false
    }
  }

  /** What the next pass may verify for a request. */
  path(request: ActiveRequest): DraftedPath {
    const desk = this.#desks.get(request)
    if (desk === undefined) return NO_PATH
    const alphas = new Map(desk.attachments.map(({ worker, alpha }) => [worker.id, alpha]))
    // The last token of all comes from the row before it.
    return desk.trie.bestPath(request.end - request.tokens.length - 1, (worker) => alphas.get(worker) ?? 0)
  }

  /** Whose next draft is worth most for a request; null when nothing is due. */
  prospect(request: ActiveRequest): Prospect | null {
    let best: Prospect | null = null
    let bestValue = 0
    for (const attachment of this.#desks.get(request)?.attachments ?? []) {
      const due = attachment.due()
      if (due[0] === undefined) continue
      const { alpha } = attachment
      const value = alpha / (1 + due[0])
      if (value <= bestValue) continue
      bestValue = value
      best = { attachment, ahead: attachment.path.live(request.tokens), due, alpha }
    }
    return best
  }

  /** Workers from whom something is owed for a request that has nothing in hand. */
  owing(request: ActiveRequest): readonly Attachment[] {
    const attachments = this.#desks.get(request)?.attachments ?? []
    return attachments.filter((attachment) => attachment.owes && attachment.lively)
  }

  /** A pass has ended: accounts, acceptance, the trie's new root, and the news to the workers. */
  passed(request: ActiveRequest, { path, outcome, tokenMs, draftRowMs }: DraftedPass): void {
    const desk = this.#desks.get(request)
    if (desk === undefined) return
    const { accepted, rejected, tokens, finish } = outcome
    // What lies past a cut counts for nobody.
    const counted = finish === null ? path.tokens.length : Math.min(path.tokens.length, tokens.length)
    const confirmedBy = new Map<string, number>()
    const rowsOf = new Map<string, number>()
    const byId = new Map(desk.attachments.map((attachment) => [attachment.worker.id, attachment]))
    for (let i = 0; i < counted; i++) {
      const senders = path.senders[i]!
      const first = senders[0]!
      const author = byId.get(first)
      rowsOf.set(first, (rowsOf.get(first) ?? 0) + 1)
      if (author !== undefined) {
        author.drafted++
        author.record.drafted++
      }
      if (i < accepted) {
        confirmedBy.set(first, (confirmedBy.get(first) ?? 0) + 1)
        desk.helpers.add(first)
        if (author !== undefined) {
          author.accepted++
          author.record.accepted++
        }
        for (const sender of senders) byId.get(sender)?.observe(1, 0)
      } else if (i === accepted && rejected) {
        for (const sender of senders) byId.get(sender)?.observe(0, 1)
      }
    }
    const before = desk.trie.size
    desk.trie.advance(tokens.map((token) => token.id))
    const tested = accepted + (rejected ? 1 : 0)
    this.#count('accepted', accepted)
    this.#count('rejected', rejected ? 1 : 0)
    this.#count('untested', Math.max(0, before - desk.trie.size - tested))
    for (const attachment of desk.attachments) {
      const { id } = attachment.worker
      if (attachment.frames > 0) {
        attachment.record.usefulness.observe({
          accepted: confirmedBy.get(id) ?? 0,
          tokenMs,
          extraMs: (rowsOf.get(id) ?? 0) * draftRowMs,
          waitedMs: attachment.waitedMs,
        })
      }
      attachment.waitedMs = 0
      if (finish === null) attachment.tell()
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
    attachment.record.restsUntil = clock.now() + (label === 'closed' ? CLOSED_REST_MS : FAILED_REST_MS)
    this.#dismiss(desk, attachment, 'reassigned')
  }

  #notNeeded(desk: Desk, attachment: Attachment, now: number): void {
    const { log } = this.#init
    const savedMs = attachment.record.usefulness.mean
    log.info({ request: desk.request.id, worker: attachment.worker.id, savedMs }, 'worker not needed here')
    this.#recruitAt = Math.max(this.#recruitAt, now + RECRUIT_REST_MS)
    this.#dismiss(desk, attachment, 'not-needed')
    const elsewhere = [...this.#desks.values()].some(({ attachments }) =>
      attachments.some(({ record }) => record === attachment.record),
    )
    if (!elsewhere) attachment.record.usefulness.rest(now)
  }

  #dismiss(desk: Desk, attachment: Attachment, reason: DoneReason): void {
    desk.attachments = desk.attachments.filter((other) => other !== attachment)
    const before = desk.trie.size
    desk.trie.leave(attachment.worker.id)
    this.#count('untested', before - desk.trie.size)
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

  #staff(now: number, tokenMs: number): void {
    const { pool, settings } = this.#init
    const desks = [...this.#desks.values()].filter(({ request }) => request.end - request.tokens.length > 2)
    const busy = new Map<string, number>()
    for (const { attachments } of this.#desks.values()) {
      for (const { worker } of attachments) busy.set(worker.id, (busy.get(worker.id) ?? 0) + 1)
    }
    const candidates = pool.workers().flatMap((worker) => {
      const record = this.#records.of(worker)
      const free = worker.capacity - (busy.get(worker.id) ?? 0)
      const ready = settings.forceDrafts || record.usefulness.ready(now, tokenMs)
      if (free <= 0 || record.restsUntil > now || !ready) return []
      return [{ worker, free, acceptance: record.acceptance.lower }]
    })
    const vacancies = desks.map((desk) => ({
      request: desk,
      scope: desk.request.request.scope,
      scouts: desk.attachments
        .filter(({ worker }) => worker.origin === 'scout')
        .map(({ worker }) => worker.id),
      locals: desk.attachments
        .filter(({ worker }) => worker.origin === 'local')
        .map(({ worker }) => worker.id),
      preferred: desk.preferred,
      avoided: desk.avoided,
    }))
    const { hires, missing } = staff(vacancies, candidates, settings.scoutsPerRequest)
    for (const { request: desk, worker } of hires) {
      const { clock, ring, assignmentIds } = this.#init
      const { request } = desk
      const record = this.#records.of(worker)
      const { window } = settings
      const id = assignmentIds()
      try {
        desk.attachments.push(new Attachment({ id, worker, record, request, window, clock, ring }))
      } catch (error) {
        this.#init.log.warn({ err: error, worker: worker.id }, 'a drafter failed to take work')
        record.restsUntil = now + FAILED_REST_MS
      }
    }
    this.#recruit(now, missing, desks)
    this.#rebalance(desks, now)
  }

  #recruit(now: number, missing: ReadonlyMap<Scope, number>, desks: readonly Desk[]): void {
    if (missing.size === 0 || now < this.#recruitAt) return
    this.#recruitAt = now + RECRUIT_MS
    for (const [scope, wanted] of missing) {
      const asking = desks.map(({ request }) => request).filter(({ request }) => request.scope === scope)
      const longest = Math.max(...asking.map(({ end }) => end))
      const expectedTokens = Math.max(...asking.map(({ end, tokens }) => end - tokens.length))
      // The bucket says how much a Scout must hold, not how long the text is.
      const contextLength = 2 ** Math.ceil(Math.log2(longest))
      this.#init.pool.recruit({ wanted, scope, contextLength, expectedTokens })
    }
  }

  /** A request with nobody gets a Scout of one that has several. */
  #rebalance(desks: readonly Desk[], now: number): void {
    const scouts = ({ attachments }: Desk) => attachments.filter(({ worker }) => worker.origin === 'scout')
    const poor = desks.find((desk) => desk.request.request.scope !== 'none' && scouts(desk).length === 0)
    if (poor === undefined) return
    for (const rich of desks) {
      const team = scouts(rich)
      if (team.length < 2) continue
      const spare = team
        .filter(({ worker, record }) => record.restsUntil <= now && !poor.avoided.has(worker.id))
        .filter(({ worker }) => poor.request.request.scope === 'swarm' || worker.own)
        .sort((a, b) => a.alpha - b.alpha)[0]
      if (spare === undefined) continue
      this.#dismiss(rich, spare, 'reassigned')
      return
    }
  }

  #count(outcome: string, tokens: number): void {
    if (tokens > 0) this.#init.metrics.drafts.inc({ outcome }, tokens)
  }

  #gauge(): void {
    const workers = this.#init.pool.workers()
    for (const origin of ['scout', 'local'] as const) {
      this.#workers[origin].set(workers.filter((worker) => worker.origin === origin).length)
    }
  }
}
