import type { DraftWorkerPool } from '../../shared/drafter/draft-worker.ts'
import type { Engine, PassItem, PassResult } from '../../shared/engine/engine.ts'
import { EngineError } from '../../shared/engine/engine-error.ts'
import type { Log } from '../../shared/log.ts'
import type { Metrics } from '../metrics.ts'
import type { DraftedPath } from '../scheduler/draft-trie.ts'
import { PassCost } from '../scheduler/pass-cost.ts'
import { type Plan, planPass } from '../scheduler/plan.ts'
import type { ActiveRequest } from './active-request.ts'
import { Bell } from './bell.ts'
import type { Clock } from './clock.ts'
import { Drafting } from './drafting.ts'
import { GaugeShare } from './gauge-share.ts'
import { GenerationError, type OracleStatus, type WorkerStatus } from './generation.ts'
import { measurePasses } from './measure.ts'
import { Patience } from './patience.ts'
import { commonPrefix } from './prefix-cache.ts'
import { Sequences } from './sequences.ts'
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

/** A prompt shorter than this is computed rather than awaited from a request that is computing the same. */
const FOLLOW_TOKENS = 32

/** Between two attempts to open a sequence on an engine that was lost, in milliseconds. */
const RETRY_MS = 100

/** One pass, planned. */
interface Pass {
  readonly plan: Plan
  readonly requests: readonly ActiveRequest[]
  /** What each request's item verifies of its drafts. */
  readonly paths: readonly DraftedPath[]
  readonly items: readonly PassItem[]
}

/**
 * The Oracle's heart: gives slots to requests and drives the engine, one pass after the other. All state changes between
 * passes, in `#settle` and `#end`; while a pass runs, whatever arrives only waits.
 */
export class PassLoop {
  readonly #engine: Engine
  readonly #engineState: PassLoopInit['engineState']
  readonly #settings: OracleSettings
  readonly #log: Log
  readonly #metrics: Metrics
  readonly #runningGauge: GaugeShare
  readonly #queuedGauge: GaugeShare
  readonly #clock: Clock
  readonly #sequences: Sequences
  readonly #drafting: Drafting
  readonly #patience: Patience
  readonly #cost = new PassCost()
  readonly #bell = new Bell()
  readonly #slots: number
  readonly #maxRows: number
  #queue: ActiveRequest[] = []
  #running: ActiveRequest[] = []
  /** Requests whose reader has gone, with the reason, until the loop takes them out. */
  readonly #leaving = new Map<ActiveRequest, GenerationError>()
  readonly #stop = new AbortController()
  #finished: Promise<void> | null = null
  /** Since when the engine is gone; null while it is there. */
  #outageSince: number | null = null

  constructor(init: PassLoopInit) {
    const { engine, pool, settings, log, metrics, clock, engineState, assignmentIds } = init
    this.#engineState = engineState
    this.#engine = engine
    this.#settings = settings
    this.#log = log
    this.#metrics = metrics
    this.#runningGauge = new GaugeShare(metrics.running)
    this.#queuedGauge = new GaugeShare(metrics.queued)
    this.#clock = clock
    this.#sequences = new Sequences(engine, settings.cachedSequences, settings.slots)
    this.#slots = Math.max(1, Math.min(settings.slots, engine.info.maxSequences, engine.info.maxRows))
    this.#maxRows = Math.max(this.#slots, Math.min(settings.maxRows, engine.info.maxRows))
    const ring = () => this.#bell.ring()
    const { vocabSize } = engine.info.model
    this.#drafting = new Drafting({ pool, vocabSize, settings, log, metrics, clock, ring, assignmentIds })
    const limits = { ...settings, maxRows: this.#maxRows }
    this.#patience = new Patience({ drafting: this.#drafting, limits, metrics, clock, cost: this.#estimate })
  }

  get running(): number {
    return this.#running.length
  }

  /** Requests that run at once: as set, or fewer where the engine cannot hold as many sequences. */
  get slots(): number {
    return this.#slots
  }

  get queued(): number {
    return this.#queue.length
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
    const free = this.#slots - this.#running.length
    if (this.#queue.length >= this.#settings.maxQueue + Math.max(0, free)) {
      throw new GenerationError(
        'OVERLOADED',
        `${this.#queue.length} requests are waiting already; try again later`,
      )
    }
    this.#queue.push(request)
    this.#gauge()
    this.#bell.ring()
  }

  /** The reader is gone: the request leaves before the next pass begins. */
  cancel(request: ActiveRequest): void {
    if (request.events.ended) return
    const error = new GenerationError('ABORTED', 'the request was cancelled')
    this.#leaving.set(request, error)
    request.events.end(error)
    this.#drafting.leave(request, 'cancelled')
    this.#bell.ring()
  }

  async #run(): Promise<void> {
    await this.#measure()
    while (!this.#stop.signal.aborted) {
      await this.#settle()
      const runnable = this.#runnable()
      if (runnable.length === 0) {
        // Whoever runs without a sequence has just lost the engine: it gets a moment to come back.
        if (this.#running.length > 0) await this.#clock.sleep(RETRY_MS, this.#stop.signal)
        else if (this.#queue.length === 0) await this.#bell.wait(this.#stop.signal)
        continue
      }
      const pass = this.#plan(runnable)
      if (await this.#putOff(pass)) continue
      const startedAt = this.#clock.now()
      let results: PassResult[]
      try {
        results = await this.#engine.verify(pass.items, { signal: this.#stop.signal })
        await this.#keepPace(startedAt)
      } catch (error) {
        this.#lost(error, pass.requests)
        continue
      }
      this.#end(pass, results, this.#clock.now() - startedAt)
    }
    this.#drafting.stop()
    for (const request of [...this.#running, ...this.#queue]) {
      this.#fail(request, new GenerationError('SHUTTING_DOWN', 'the Oracle is shutting down'))
      if (request.sequence !== null) await this.#engine.releaseSequence(request.sequence).catch(() => {})
    }
    await this.#sequences.close()
    this.#running = []
    this.#queue = []
    this.#gauge()
  }

  /** Between passes: ended requests out, waiting ones in, everyone that runs has a sequence. */
  async #settle(): Promise<void> {
    for (const request of this.#leaving.keys()) {
      this.#queue = this.#queue.filter((other) => other !== request)
      if (this.#running.includes(request)) await this.#vacate(request)
      this.#metrics.requests.inc({ outcome: 'aborted' })
    }
    this.#leaving.clear()
    for (const request of this.#running.filter((other) => other.events.ended)) await this.#vacate(request)
    while (this.#running.length < this.#slots) {
      const request = this.#queue.shift()
      if (request === undefined) break
      this.#running.push(request)
      this.#drafting.join(request, this.#sequences.helpers(request.tokens))
    }
    for (const request of [...this.#running]) {
      if (request.sequence !== null || this.#follows(request)) continue
      try {
        await this.#open(request)
      } catch (error) {
        this.#lost(error, [request])
      }
    }
    this.#gauge()
  }

  async #open(request: ActiveRequest): Promise<void> {
    const shared = this.#running.flatMap((other) =>
      other.sequence === null
        ? []
        : [{ sequence: other.sequence, tokens: other.tokens.slice(0, other.cached) }],
    )
    const { sequence, length } = await this.#sequences.open(request.tokens, shared)
    if (this.#outageSince !== null) {
      this.#log.info(
        { outageMs: this.#clock.now() - this.#outageSince },
        'engine back; running requests go on',
      )
      this.#outageSince = null
    }
    request.sequence = sequence
    request.cached = length
    if (request.reused === null) {
      request.reused = length
      this.#metrics.promptTokens.inc({ cached: 'yes' }, length)
      this.#metrics.promptTokens.inc({ cached: 'no' }, request.request.prompt.length - length)
    }
  }

  /** Frees a request's slot; its KV cache stays for whoever begins the same way. */
  async #vacate(request: ActiveRequest): Promise<void> {
    this.#running = this.#running.filter((other) => other !== request)
    const workers = this.#drafting.leave(request, 'finished')
    const { sequence } = request
    if (sequence === null) return
    request.sequence = null
    try {
      await this.#engine.truncate(sequence, request.cached)
      await this.#sequences.keep(sequence, request.tokens.slice(0, request.cached), workers)
    } catch (error) {
      this.#lost(error, [])
    }
  }

  /**
   * Whether it should wait for another request that is computing the same prompt (the choices of one call), rather than
   * compute it a second time.
   */
  #follows(request: ActiveRequest): boolean {
    return this.#running.some((other) => {
      if (other === request || other.sequence === null || other.pending === 1) return false
      const common = Math.min(commonPrefix(other.tokens, request.tokens), request.tokens.length - 1)
      return common - other.cached >= FOLLOW_TOKENS
    })
  }

  #runnable(): ActiveRequest[] {
    return this.#running.filter((request) => request.sequence !== null)
  }

  /** Where a pass begins: what has been drafted by now, and how much of it is worth verifying. */
  #plan(requests: readonly ActiveRequest[]): Pass {
    this.#drafting.graft()
    this.#drafting.tend(this.#tokenMs(requests))
    const paths = requests.map((request) => this.#drafting.path(request))
    const plan = planPass(
      requests.map(({ id, pending, cached }, i) => ({ id, pending, context: cached, path: paths[i]!.p })),
      { ...this.#settings, maxRows: this.#maxRows, knownRows: this.#cost.knownRows },
      this.#estimate,
    )
    const taken = plan.items.map(({ drafts }, i) => first(paths[i]!, drafts))
    const items = plan.items.map(({ known }, i) => requests[i]!.item(known, taken[i]!.tokens))
    return { plan, requests, paths: taken, items }
  }

  /** Whether the pass is put off: waits, and `true` means to look again. */
  async #putOff({ plan, requests, paths }: Pass): Promise<boolean> {
    const states = requests.map((request, i) => ({ request, item: plan.items[i]!, path: paths[i]! }))
    const waitMs = this.#patience.consider(states)
    if (waitMs <= 0) return false
    const over = new AbortController()
    const timer = this.#clock.sleep(waitMs, over.signal).then(() => over.abort())
    await this.#bell.wait(over.signal)
    over.abort()
    await timer
    return true
  }

  /** Holds a pass back to the least time that the settings ask for. */
  async #keepPace(startedAt: number): Promise<void> {
    const left = startedAt + this.#settings.paceMs - this.#clock.now()
    if (left > 0) await this.#clock.sleep(left, this.#stop.signal)
  }

  /** Where a pass ends: every request takes its tokens, and only now does anything that arrived meanwhile count. */
  #end({ plan, requests, paths }: Pass, results: readonly PassResult[], ms: number): void {
    this.#cost.observe(plan.rows, plan.context, ms)
    this.#metrics.passes.inc()
    this.#metrics.passSeconds.observe(ms / 1000)
    this.#metrics.passRows.inc({ kind: 'prompt' }, plan.promptRows)
    this.#metrics.passRows.inc({ kind: 'base' }, plan.baseRows)
    this.#metrics.passRows.inc({ kind: 'draft' }, plan.draftRows)
    const tokenMs = this.#tokenMs(requests)
    const alone = plan.rows - plan.draftRows
    const saved = plan.expectedMs - this.#estimate(alone, (plan.context * alone) / plan.rows)
    const draftRowMs = plan.draftRows === 0 ? 0 : Math.max(0, saved) / plan.draftRows
    // What workers sent during the pass is compared with what it decided, once all of it is known.
    for (const [i, request] of requests.entries()) {
      const { known } = plan.items[i]!
      const path = paths[i]!
      const by = path.senders.map((senders) => senders[0]!)
      try {
        const outcome = request.advance(known, path.tokens.length, results[i]?.emitted ?? [], by)
        this.#metrics.generatedTokens.inc(outcome.tokens.length)
        this.#drafting.passed(request, { path, outcome, tokenMs, draftRowMs })
        if (outcome.finish !== null && !request.events.ended) {
          request.finish(outcome.finish)
          this.#metrics.requests.inc({ outcome: outcome.finish })
        }
      } catch (cause) {
        const error = new GenerationError('ENGINE_FAILED', 'taking the result of a pass failed', { cause })
        this.#fail(request, error)
      }
    }
  }

  /** What a token costs without drafts, in milliseconds. */
  #tokenMs(requests: readonly ActiveRequest[]): number {
    const context = requests.reduce((sum, { cached }) => sum + cached + 1, 0)
    return this.#estimate(requests.length, context) / requests.length
  }

  readonly #estimate = (rows: number, context: number): number => this.#cost.estimate(rows, context)

  async #measure(): Promise<void> {
    const { measureMs, paceMs, window } = this.#settings
    if (measureMs <= 0) return
    const maxRows = Math.min(this.#maxRows, this.#slots * (1 + window))
    const limits = { maxRows, budgetMs: measureMs, paceMs }
    try {
      const passes = await measurePasses(this.#engine, this.#cost, this.#clock, limits)
      this.#log.info({ passes, passMs: this.#cost.table() }, 'measured what passes cost')
    } catch (error) {
      this.#log.warn({ err: error }, 'measuring what passes cost failed; it is learned while running')
    }
  }

  /**
   * The engine is lost, and every sequence with it: running requests start over from their true tokens once it is back.
   * Or it refused `requests`: these start over.
   */
  #lost(error: unknown, requests: readonly ActiveRequest[]): void {
    if (this.#stop.signal.aborted) return
    const code = error instanceof EngineError ? error.code : null
    // A sequence that the engine does not know went with its last process.
    const gone = code === 'ENGINE_LOST' || code === 'SEQUENCE_UNKNOWN'
    if (gone) {
      this.#sequences.forget()
      if (this.#outageSince === null) {
        this.#outageSince = this.#clock.now()
        this.#metrics.engineLosses.inc()
        this.#log.warn({ err: error, running: this.#running.length }, 'engine lost')
      }
    } else {
      this.#log.warn({ err: error, requests: requests.map(({ id }) => id) }, 'engine refused a pass')
    }
    const hopeless = gone && this.#hopeless()
    for (const request of gone ? this.#running : requests) {
      const { sequence } = request
      // Waiting for the engine to come back is no loss of its own.
      if (!gone || sequence !== null) request.losses++
      if (!gone && sequence !== null) this.#engine.releaseSequence(sequence).catch(() => {})
      request.sequence = null
      request.cached = 0
      if (hopeless || request.losses > this.#settings.maxEngineLosses) {
        const message = hopeless
          ? 'the engine does not come back'
          : `the engine failed ${request.losses} times`
        this.#fail(request, new GenerationError('ENGINE_FAILED', message, { cause: error }))
      }
    }
    this.#running = this.#running.filter((request) => !request.events.ended || request.sequence !== null)
  }

  #hopeless(): boolean {
    const outageMs = this.#clock.now() - (this.#outageSince ?? this.#clock.now())
    return this.#engineState() === 'failed' || outageMs > this.#settings.engineOutageMs
  }

  #fail(request: ActiveRequest, error: GenerationError): void {
    if (request.events.ended) return
    this.#metrics.requests.inc({ outcome: error.code.toLowerCase() })
    request.events.end(error)
    this.#drafting.leave(request, error.code === 'SHUTTING_DOWN' ? 'shutdown' : 'cancelled')
  }

  #gauge(): void {
    this.#runningGauge.set(this.#running.length)
    this.#queuedGauge.set(this.#queue.length)
  }
}

/** The first `length` tokens of a path. */
function first({ tokens, p, senders }: DraftedPath, length: number): DraftedPath {
  return { tokens: tokens.slice(0, length), p: p.slice(0, length), senders: senders.slice(0, length) }
}
