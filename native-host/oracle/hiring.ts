import type { DraftWorkerPool, Scope } from '../../shared/drafter/draft-worker.ts'
import type { Log } from '../../shared/log.ts'
import type { BestPass } from '../scheduler/best-pass.ts'
import { type Load, loadSize } from '../scheduler/load.ts'
import { windowFor } from '../scheduler/window.ts'
import { Attachment } from './attachment.ts'
import type { Clock } from './clock.ts'
import type { Desk } from './desk.ts'
import type { OracleSettings } from './settings.ts'
import { maySee, staff } from './staffing.ts'
import { restAfter, type WorkerRecords } from './worker-records.ts'

/** What finding workers takes. */
export interface StaffingInit {
  readonly pool: DraftWorkerPool
  readonly settings: OracleSettings
  readonly log: Log
  readonly clock: Clock
  /** Wakes the pass loop. */
  readonly ring: () => void
  readonly assignmentIds: () => number
}

export interface HiringInit extends StaffingInit {
  readonly records: WorkerRecords
}

/** How many requests run, and how good a drafter of each kind must be to save any time then. */
export interface Demand {
  readonly load: Load
  readonly leastAcceptance: Readonly<Record<'scout' | 'local', number>>
  /** What a drafter of such a chance per token could be used for. */
  readonly bestPass: (alpha: number) => BestPass
}

/** Drafts are hardly ever right more often: where they would have to be, nobody is asked. */
const HOPED = 0.95
/** Passes with about as many requests after which it is worth trying somebody: they come and go, often several at once. */
export const STEADY = 4
/** One of so many requests gets a worker of which it is not known yet whether it pays; always one at least. */
const TRIED = 4
/** What trying one worker after the other may cost, as a share of the time in passes. */
const WASTE = 0.02
/** Between two calls to the mesh for more Scouts, and after Scouts turned out not to pay, in milliseconds. */
const RECRUIT_MS = 1_000
const RECRUIT_REST_MS = 30_000
/** A request with fewer tokens to go is over before a draft could come. */
const LEAST_TOKENS = 2

/** Finds workers for requests: in the pool, among those of richer requests, and by a call to the mesh. */
export class Hiring {
  readonly #init: HiringInit
  #recruitAt = 0
  /** Milliseconds of passes with about so many requests before which nobody new is tried. */
  readonly #tryFrom = new Map<number, number>()
  /** It has been said that nobody can help. */
  #said = false

  constructor(init: HiringInit) {
    this.#init = init
  }

  /** Staffs whoever is short, if anybody can help. */
  staff(all: readonly Desk[], demand: Demand): void {
    const { settings } = this.#init
    const { load } = demand
    if (!settings.forceDrafts && this.#hopeless(demand)) return
    const desks = all.filter(({ request }) => request.end - request.tokens.length > LEAST_TOKENS)
    const vacancies = desks.map((desk) => ({
      request: desk,
      scope: desk.request.request.scope,
      scouts: desk.team('scout').map(({ worker }) => worker.id),
      locals: desk.team('local').map(({ worker }) => worker.id),
      preferred: desk.preferred,
      avoided: desk.avoided,
    }))
    const { hires, missing } = staff(
      vacancies,
      this.#candidates(all, load),
      settings.scoutsPerRequest,
      this.#trials(all, load),
    )
    for (const { request: desk, worker } of hires) this.#hire(desk, worker, demand)
    this.#recruit(load.now, missing, desks)
  }

  /** A worker did not pay and cost so much: another is tried when that is made up for, and the mesh not asked for a while. */
  pause({ requests, busyMs }: Load, lostMs: number): void {
    const size = loadSize(requests)
    this.#tryFrom.set(size, Math.max(this.#tryFrom.get(size) ?? 0, busyMs) + lostMs / WASTE)
    this.#recruitAt = Math.max(this.#recruitAt, this.#init.clock.now() + RECRUIT_REST_MS)
  }

  /** A request with nobody gets a Scout of one that has several: whom to take it from. */
  spare(desks: readonly Desk[]): { readonly desk: Desk; readonly attachment: Attachment } | null {
    const now = this.#init.clock.now()
    const open = desks.filter(({ request }) => request.end - request.tokens.length > LEAST_TOKENS)
    const poor = open.find((desk) => desk.request.request.scope !== 'none' && desk.team('scout').length === 0)
    if (poor === undefined) return null
    for (const desk of open) {
      const team = desk.team('scout')
      if (team.length < 2) continue
      const [attachment] = team
        .filter(({ worker, record }) => record.restsUntil <= now && !poor.avoided.has(worker.id))
        .filter(({ worker }) => maySee(worker, poor.request.request.scope))
        .sort((a, b) => a.alpha - b.alpha)
      if (attachment !== undefined) return { desk, attachment }
    }
    return null
  }

  /** No drafter that there may be is good enough; said when it turns out so. */
  #hopeless({ load, leastAcceptance }: Demand): boolean {
    const hopeless = Object.values(leastAcceptance).every((least) => least > HOPED)
    if (hopeless && !this.#said)
      this.#init.log.info({ requests: load.requests }, 'nobody is asked to draft: it would not pay')
    this.#said = hopeless
    return hopeless
  }

  #candidates(desks: readonly Desk[], load: Load) {
    const { pool, records, settings } = this.#init
    const busy = new Map<string, number>()
    for (const { attachments } of desks) {
      for (const { worker } of attachments) busy.set(worker.id, (busy.get(worker.id) ?? 0) + 1)
    }
    return pool.workers().flatMap((worker) => {
      const record = records.of(worker)
      const free = worker.capacity - (busy.get(worker.id) ?? 0)
      const verdict = record.usefulness.at(load)
      const proven = settings.forceDrafts || verdict.proven
      const ready = proven || (load.steady >= STEADY && verdict.ready(load))
      if (free <= 0 || record.restsUntil > load.now || !ready) return []
      return [{ worker, free, acceptance: record.acceptance.lower, proven }]
    })
  }

  /** How many more assignments workers may get of which it is not known yet whether they pay. */
  #trials(desks: readonly Desk[], load: Load): number {
    if (load.busyMs < (this.#tryFrom.get(loadSize(load.requests)) ?? 0)) return 0
    const attachments = desks.flatMap((desk) => desk.attachments)
    const onTrial = attachments.filter(({ record }) => !record.usefulness.at(load).proven)
    return Math.ceil(load.requests / TRIED) - onTrial.length
  }

  #hire(desk: Desk, worker: Attachment['worker'], { load, bestPass }: Demand): void {
    const { records, settings, clock, ring, log, assignmentIds } = this.#init
    const record = records.of(worker)
    const { turn, step } = record.timing
    // On trial it gets what is expected to be of use; once it is worth having, what may be.
    const { proven } = record.usefulness.at(load)
    const alpha = proven ? record.acceptance.upper : record.acceptance.alpha
    const beside = worker.origin === 'local'
    const known = { turnMs: turn.mean, stepMs: step.mean, alpha, beside }
    const window = windowFor(known, settings.forceDrafts ? null : bestPass(alpha), settings.window)
    const id = assignmentIds()
    try {
      desk.attach(new Attachment({ id, worker, record, request: desk.request, window, clock, ring }))
    } catch (error) {
      log.warn({ err: error, worker: worker.id }, 'a drafter failed to take work')
      restAfter('failed', record, clock.now())
    }
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
}
