import type { DraftWorkerPool, Scope } from '../../shared/drafter/draft-worker.ts'
import type { Log } from '../../shared/log.ts'
import { windowFor } from '../scheduler/window.ts'
import { Attachment } from './attachment.ts'
import type { Clock } from './clock.ts'
import type { Desk } from './desk.ts'
import type { OracleSettings } from './settings.ts'
import { maySee, staff } from './staffing.ts'
import type { WorkerRecords } from './worker-records.ts'

export interface HiringInit {
  readonly pool: DraftWorkerPool
  readonly records: WorkerRecords
  readonly settings: OracleSettings
  readonly log: Log
  readonly clock: Clock
  /** Wakes the pass loop. */
  readonly ring: () => void
  readonly assignmentIds: () => number
}

/** A worker that failed to take work is not asked again for so long, in milliseconds. */
const FAILED_REST_MS = 10_000
/** Between two calls to the mesh for more Scouts, and after Scouts turned out not to pay, in milliseconds. */
const RECRUIT_MS = 1_000
const RECRUIT_REST_MS = 30_000
/** A request with fewer tokens to go is over before a draft could come. */
const LEAST_TOKENS = 2

/** Finds workers for requests: in the pool, among those of richer requests, and by a call to the mesh. */
export class Hiring {
  readonly #init: HiringInit
  #recruitAt = 0

  constructor(init: HiringInit) {
    this.#init = init
  }

  /** Staffs whoever is short, given what a token costs now. */
  staff(all: readonly Desk[], tokenMs: number): void {
    const { settings, clock } = this.#init
    const now = clock.now()
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
      this.#candidates(all, now, tokenMs),
      settings.scoutsPerRequest,
    )
    for (const { request: desk, worker } of hires) this.#hire(desk, worker, now)
    this.#recruit(now, missing, desks)
  }

  /** Scouts do not pay now: the mesh is not asked for more for a while. */
  pause(): void {
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

  #candidates(desks: readonly Desk[], now: number, tokenMs: number) {
    const { pool, records, settings } = this.#init
    const busy = new Map<string, number>()
    for (const { attachments } of desks) {
      for (const { worker } of attachments) busy.set(worker.id, (busy.get(worker.id) ?? 0) + 1)
    }
    return pool.workers().flatMap((worker) => {
      const record = records.of(worker)
      const free = worker.capacity - (busy.get(worker.id) ?? 0)
      const ready = settings.forceDrafts || record.usefulness.ready(now, tokenMs)
      if (free <= 0 || record.restsUntil > now || !ready) return []
      return [{ worker, free, acceptance: record.acceptance.lower }]
    })
  }

  #hire(desk: Desk, worker: Attachment['worker'], now: number): void {
    const { records, settings, clock, ring, log, assignmentIds } = this.#init
    const record = records.of(worker)
    const { turn, step } = record.timing
    const known = { turnMs: turn.mean, stepMs: step.mean, alpha: record.acceptance.alpha }
    const window = windowFor(known, settings.window)
    const id = assignmentIds()
    try {
      desk.attach(new Attachment({ id, worker, record, request: desk.request, window, clock, ring }))
    } catch (error) {
      log.warn({ err: error, worker: worker.id }, 'a drafter failed to take work')
      record.restsUntil = now + FAILED_REST_MS
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
