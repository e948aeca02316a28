import type { DraftWorkerPool } from '../../shared/drafter/draft-worker.ts'
import type { Engine, PassItem, PassResult } from '../../shared/engine/engine.ts'
import type { Log } from '../../shared/log.ts'
import type { Metrics } from '../metrics.ts'
import { bestPass } from '../scheduler/best-pass.ts'
import type { DraftedPath } from '../scheduler/draft-trie.ts'
import { Drag } from '../scheduler/drag.ts'
import { leastAcceptance } from '../scheduler/least-acceptance.ts'
import { type Load, Workload } from '../scheduler/load.ts'
import { Pace } from '../scheduler/pace.ts'
import { PassCost } from '../scheduler/pass-cost.ts'
import { type Plan, planPass } from '../scheduler/plan.ts'
import { OVERHEAD_MS } from '../scheduler/usefulness.ts'
import type { ActiveRequest } from './active-request.ts'
import { Bell } from './bell.ts'
import type { Clock } from './clock.ts'
import { Drafting } from './drafting.ts'
import { GenerationError, type OracleStatus, type WorkerStatus } from './generation.ts'
import type { Demand } from './hiring.ts'
import { measurePasses } from './measure.ts'
import { Patience } from './patience.ts'
import { Recovery } from './recovery.ts'
import { Seats } from './seats.ts'
import type { OracleSettings } from './settings.ts'

export interface PassLoopInit {
  readonly engine: Engine
  readonly pool: DraftWorkerPool
  readonly settings: OracleSettings
  readonly log: Log
  readonly metrics: Metrics
  readonly clock: Clock
  readonly engineState: () => OracleStatus['engineState']
  readonly assignmentIds: () => number
}

/** Between two attempts to open a sequence on an engine that was lost, in milliseconds. */
const RETRY_MS = 100

/** One pass, planned. */
interface Pass {
  readonly plan: Plan
  readonly requests: readonly ActiveRequest[]
  /** What each request's item verifies of its drafts. */
  readonly paths: readonly DraftedPath[]
  readonly items: readonly PassItem[]
  /** It takes drafts where they pay. */
  readonly takesDrafts: boolean
}

/**
 * The Oracle's heart: drives the engine for whoever has a seat, one pass after the other. All state changes between
 * passes, when the seats are settled and in `#end`; while a pass runs, whatever arrives only waits.
 */
export class PassLoop {
  readonly #init: PassLoopInit
  readonly #seats: Seats
  readonly #recovery: Recovery
  readonly #drafting: Drafting
  readonly #patience: Patience
  readonly #cost = new PassCost()
  readonly #pace = new Pace()
  readonly #drag = new Drag()
  readonly #workload = new Workload()
  readonly #bell = new Bell()
  readonly #maxRows: number
  readonly #stop = new AbortController()
  #finished: Promise<void> | null = null
  /** When the last pass ended; null: none before the next one counts as a wait. */
  #endedAt: number | null = null

  constructor(init: PassLoopInit) {
    const { engine, pool, settings, log, metrics, clock, engineState, assignmentIds } = init
    this.#init = init
    const ring = () => this.#bell.ring()
    const { vocabSize } = engine.info.model
    const drafting = new Drafting({ pool, vocabSize, settings, log, metrics, clock, ring, assignmentIds })
    this.#drafting = drafting
    const lost = (error: unknown, requests: readonly ActiveRequest[]) => this.#lost(error, requests)
    const alive = () => this.#recovery.alive()
    this.#seats = new Seats({ engine, settings, metrics, drafting, lost, alive })
    this.#recovery = new Recovery({ engine, engineState, settings, log, metrics, clock, seats: this.#seats })
    this.#maxRows = Math.max(this.#seats.count, Math.min(settings.maxRows, engine.info.maxRows))
    const limits = { ...settings, maxRows: this.#maxRows }
    const pace = this.#pace
    this.#patience = new Patience({ drafting, limits, metrics, clock, cost: this.#estimate, pace })
  }

  get running(): number {
    return this.#seats.unfinished
  }

  get slots(): number {
    return this.#seats.count
  }

  get queued(): number {
    return this.#seats.queued
  }

  /** Measured pass cost: rows and milliseconds. */
  get passMs(): readonly (readonly [rows: number, ms: number])[] {
    return this.#cost.table()
  }

  workers(): readonly WorkerStatus[] {
    return this.#drafting.workers()
  }

  start(): void {
    this.#finished ??= this.#run()
  }

  /** Ends every request with SHUTTING_DOWN; resolves when the pass under way has ended. */
  async stop(): Promise<void> {
    this.#stop.abort()
    this.#bell.ring()
    await this.#finished
  }

  /** @throws {GenerationError} OVERLOADED, SHUTTING_DOWN */
  submit(request: ActiveRequest): void {
    if (this.#stop.signal.aborted) throw new GenerationError('SHUTTING_DOWN', 'the Oracle is shutting down')
    this.#seats.submit(request)
    this.#bell.ring()
  }

  /** The reader is gone: the request leaves before the next pass begins. */
  cancel(request: ActiveRequest): void {
    if (request.events.ended) return
    this.#seats.cancel(request)
    this.#bell.ring()
  }

  async #run(): Promise<void> {
    const { engine, clock } = this.#init
    await this.#measure()
    while (!this.#stop.signal.aborted) {
      await this.#seats.settle()
      const runnable = this.#seats.runnable
      if (runnable.length === 0) {
        this.#endedAt = null
        // Whoever runs without a sequence has just lost the engine: it gets a moment to come back.
        if (this.#seats.running.length > 0) await clock.sleep(RETRY_MS, this.#stop.signal)
        else if (this.queued === 0) await this.#bell.wait(this.#stop.signal)
        continue
      }
      const pass = this.#plan(runnable)
      if (await this.#putOff(pass)) continue
      const startedAt = clock.now()
      let results: PassResult[]
      try {
        results = await engine.verify(pass.items, { signal: this.#stop.signal })
        await this.#keepPace(startedAt)
      } catch (error) {
        this.#lost(error, pass.requests)
        continue
      }
      this.#end(pass, results, startedAt)
    }
    this.#drafting.stop()
    await this.#seats.close(new GenerationError('SHUTTING_DOWN', 'the Oracle is shutting down'))
  }

  /** Where a pass begins: what has been drafted by now, and how much of it is worth verifying. */
  #plan(requests: readonly ActiveRequest[]): Pass {
    this.#drafting.graft()
    const load = this.#load(requests)
    this.#drafting.tend(load, () => this.#demand(requests, load))
    const paths = requests.map((request) => this.#drafting.path(request))
    const knownRows = this.#knownRows(requests)
    const plan = planPass(
      requests.map(({ id, pending, cached }, i) => ({ id, pending, context: cached, path: paths[i]!.p })),
      { ...this.#init.settings, maxRows: this.#maxRows, knownRows },
      this.#estimate,
    )
    const taken = plan.items.map(({ drafts }, i) => first(paths[i]!, drafts))
    const items = plan.items.map(({ known }, i) => requests[i]!.item(known, taken[i]!.tokens))
    return {
      plan,
      requests,
      paths: taken,
      items,
      takesDrafts: knownRows > 0 || this.#init.settings.forceDrafts,
    }
  }

  /**
   * Most rows of a pass that takes drafts. None while it is not known what the requests' own rows cost: whether drafts pay
   * is told against that, and a guess between other sizes may be off by half.
   */
  #knownRows(requests: readonly ActiveRequest[]): number {
    const decoding = requests.every(({ pending }) => pending === 1)
    return decoding && !this.#cost.isFresh(requests.length) ? 0 : this.#cost.knownRows
  }

  /** Whether the pass is put off: waits, and `true` means to look again. */
  async #putOff({ plan, requests, paths, takesDrafts }: Pass): Promise<boolean> {
    if (!takesDrafts) return false
    const states = requests.map((request, i) => ({ request, item: plan.items[i]!, path: paths[i]! }))
    const waitMs = this.#patience.consider(states)
    if (waitMs <= 0) return false
    const over = new AbortController()
    const timer = this.#init.clock.sleep(waitMs, over.signal).then(() => over.abort())
    await this.#bell.wait(over.signal)
    over.abort()
    await timer
    return true
  }

  /** Holds a pass back to the least time that the settings ask for. */
  async #keepPace(startedAt: number): Promise<void> {
    const { settings, clock } = this.#init
    const left = startedAt + settings.paceMs - clock.now()
    if (left > 0) await clock.sleep(left, this.#stop.signal)
  }

  /** Where a pass ends: every request takes its tokens, and only now does anything that arrived meanwhile count. */
  #end({ plan, requests, paths }: Pass, results: readonly PassResult[], startedAt: number): void {
    const { metrics, clock } = this.#init
    const now = clock.now()
    const ms = now - startedAt
    const { attached } = this.#drafting
    // A prompt's rows but the last have no logits and cost less; its first pass meets cold caches as well.
    if (plan.promptRows === 0) this.#cost.observe(plan.rows, plan.context, ms, attached === 0)
    metrics.passes.inc()
    metrics.passSeconds.observe(ms / 1000)
    metrics.passRows.inc({ kind: 'prompt' }, plan.promptRows)
    metrics.passRows.inc({ kind: 'base' }, plan.baseRows)
    metrics.passRows.inc({ kind: 'draft' }, plan.draftRows)
    this.#workload.observe(requests.length, ms)
    const load = this.#load(requests)
    const alone = plan.rows - plan.draftRows
    const saved = plan.expectedMs - this.#estimate(alone, (plan.context * alone) / plan.rows)
    const rowsMs = plan.draftRows === 0 ? 0 : Math.max(0, saved)
    const draftRowMs = rowsMs / Math.max(1, plan.draftRows)
    if (attached > 0 && plan.promptRows === 0)
      this.#drag.observe({ requests: requests.length, ms, calmMs: this.#calmMs(requests), rowsMs })
    const dragMs = attached === 0 ? 0 : (ms * this.#drag.of(requests.length)) / attached
    let tokens = 0
    // What workers sent during the pass is compared with what it decided, once all of it is known.
    for (const [i, request] of requests.entries()) {
      const { known } = plan.items[i]!
      const path = paths[i]!
      const by = path.senders.map((senders) => senders[0]!)
      try {
        const outcome = request.advance(known, path.tokens.length, results[i]?.emitted ?? [], by)
        tokens += outcome.tokens.length
        this.#drafting.passed(request, { path, outcome, draftRowMs })
        if (outcome.finish !== null && !request.events.ended) {
          request.finish(outcome.finish)
          metrics.requests.inc({ outcome: outcome.finish })
        }
      } catch (cause) {
        const error = new GenerationError('ENGINE_FAILED', 'taking the result of a pass failed', { cause })
        this.#seats.fail(request, error)
      }
    }
    this.#drafting.value(load, dragMs)
    metrics.generatedTokens.inc(tokens)
    // A prompt's pass says nothing of what time is worth while tokens are made.
    if (plan.promptRows === 0) this.#pace.observe(tokens, now - (this.#endedAt ?? startedAt))
    this.#endedAt = now
  }

  /** How much is asked of the engine. */
  #load(requests: readonly ActiveRequest[]): Load {
    const { length } = requests
    const context = ownContext(requests)
    const now = this.#cost.while('busy', length, context) ?? this.#estimate(length, context)
    const tokenMs = Math.min(now, this.#calmMs(requests) ?? now) / length
    return { requests: length, tokenMs, now: this.#init.clock.now(), ...this.#workload.of(length) }
  }

  /** How good drafters must be to be of use now, and of what use good ones are. */
  #demand(requests: readonly ActiveRequest[], load: Load): Demand {
    const context = ownContext(requests)
    const running = { requests: requests.length, context, maxRows: this.#maxRows }
    const least = (overheadMs: number) => leastAcceptance({ ...running, overheadMs }, this.#estimate)
    return {
      load,
      leastAcceptance: { scout: least(OVERHEAD_MS.scout), local: least(OVERHEAD_MS.local) },
      bestPass: (alpha) => bestPass(running, alpha, this.#estimate),
    }
  }

  /** What the requests' own rows take while nobody drafts, in milliseconds; null: not known. */
  #calmMs(requests: readonly ActiveRequest[]): number | null {
    return this.#cost.while('calm', requests.length, ownContext(requests))
  }

  readonly #estimate = (rows: number, context: number): number => this.#cost.estimate(rows, context)

  async #measure(): Promise<void> {
    const { engine, settings, clock, log } = this.#init
    const { measureMs, paceMs, window } = settings
    if (measureMs <= 0) return
    const maxRows = Math.min(this.#maxRows, this.slots * (1 + window))
    const limits = { maxRows, budgetMs: measureMs, paceMs }
    try {
      const passes = await measurePasses(engine, this.#cost, clock, limits)
      log.info({ passes, passMs: this.#cost.table() }, 'measured what passes cost')
    } catch (error) {
      log.warn({ err: error }, 'measuring what passes cost failed; it is learned while running')
    }
  }

  #lost(error: unknown, requests: readonly ActiveRequest[]): void {
    this.#endedAt = null
    if (!this.#stop.signal.aborted) this.#recovery.lost(error, requests)
  }
}

/** What the requests' own rows attend to, in tokens. */
function ownContext(requests: readonly ActiveRequest[]): number {
  return requests.reduce((sum, { cached }) => sum + cached + 1, 0)
}

/** The first `length` tokens of a path. */
function first({ tokens, p, senders }: DraftedPath, length: number): DraftedPath {
  return { tokens: tokens.slice(0, length), p: p.slice(0, length), senders: senders.slice(0, length) }
}
