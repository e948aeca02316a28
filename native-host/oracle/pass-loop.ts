import type { Engine, PassItem, PassResult } from '../../shared/engine/engine.ts'
import { EngineError } from '../../shared/engine/engine-error.ts'
import type { Metrics } from '../metrics.ts'
import { type Plan, planPass } from '../scheduler/plan.ts'
import type { ActiveRequest } from './active-request.ts'
import { Bell } from './bell.ts'
import type { Clock } from './clock.ts'
import { GenerationError } from './generation.ts'
import type { Log } from './log.ts'
import { commonPrefix } from './prefix-cache.ts'
import { Sequences } from './sequences.ts'
import type { OracleSettings } from './settings.ts'

export interface PassLoopInit {
  readonly engine: Engine
  readonly settings: OracleSettings
  readonly log: Log
  readonly metrics: Metrics
  readonly clock: Clock
}

/** A prompt shorter than this is computed rather than awaited from a request that is computing the same. */
const FOLLOW_TOKENS = 32

/** Between two attempts to open a sequence on an engine that was lost, in milliseconds. */
const RETRY_MS = 100

/** One pass under way. */
interface Pass {
  readonly plan: Plan
  readonly requests: readonly ActiveRequest[]
  readonly items: readonly PassItem[]
  readonly startedAt: number
}

/**
 * The Oracle's heart: gives slots to requests and drives the engine, one pass after the other. All state changes between
 * passes, in `#settle` and `#end`; while a pass runs, whatever arrives only waits.
 */
export class PassLoop {
  readonly #engine: Engine
  readonly #settings: OracleSettings
  readonly #log: Log
  readonly #metrics: Metrics
  readonly #clock: Clock
  readonly #sequences: Sequences
  readonly #bell = new Bell()
  readonly #maxRows: number
  #queue: ActiveRequest[] = []
  #running: ActiveRequest[] = []
  /** Requests whose reader has gone, with the reason, until the loop takes them out. */
  readonly #leaving = new Map<ActiveRequest, GenerationError>()
  readonly #stop = new AbortController()
  #finished: Promise<void> | null = null

  constructor({ engine, settings, log, metrics, clock }: PassLoopInit) {
    this.#engine = engine
    this.#settings = settings
    this.#log = log
    this.#metrics = metrics
    this.#clock = clock
    this.#sequences = new Sequences(engine, settings.cachedSequences, settings.slots)
    this.#maxRows = Math.max(settings.slots, Math.min(settings.maxRows, engine.info.maxRows))
  }

  get running(): number {
    return this.#running.length
  }

  get queued(): number {
    return this.#queue.length
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
    const free = this.#settings.slots - this.#running.length
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
    this.#bell.ring()
  }

  async #run(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      await this.#settle()
      const runnable = this.#runnable()
      if (runnable.length === 0) {
        // Whoever runs without a sequence has just lost the engine: it gets a moment to come back.
        if (this.#running.length > 0) await this.#clock.sleep(RETRY_MS, this.#stop.signal)
        else await this.#bell.wait(this.#stop.signal)
        continue
      }
      const pass = this.#begin(runnable)
      let results: PassResult[]
      try {
        results = await this.#engine.verify(pass.items, { signal: this.#stop.signal })
        await this.#keepPace(pass)
      } catch (error) {
        this.#lost(error, pass.requests)
        continue
      }
      this.#end(pass, results)
    }
    for (const request of [...this.#running, ...this.#queue]) {
      this.#fail(request, new GenerationError('SHUTTING_DOWN', 'the Oracle is shutting down'))
    }
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
    while (this.#running.length < this.#settings.slots) {
      const request = this.#queue.shift()
      if (request === undefined) break
      this.#running.push(request)
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
    const { sequence } = request
    if (sequence === null) return
    request.sequence = null
    try {
      await this.#engine.truncate(sequence, request.cached)
      await this.#sequences.keep(sequence, request.tokens.slice(0, request.cached), [])
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

  /** Where a pass begins. */
  #begin(requests: readonly ActiveRequest[]): Pass {
    const plan = planPass(
      requests.map((request) => ({
        id: request.id,
        pending: request.pending,
        context: request.cached,
        path: [],
      })),
      { ...this.#settings, maxRows: this.#maxRows },
      (rows) => rows,
    )
    const items = plan.items.map((item, i) => requests[i]!.item(item.known, []))
    return { plan, requests, items, startedAt: this.#clock.now() }
  }

  /** Holds a pass back to the least time that the settings ask for. */
  async #keepPace(pass: Pass): Promise<void> {
    const left = pass.startedAt + this.#settings.paceMs - this.#clock.now()
    if (left > 0) await this.#clock.sleep(left, this.#stop.signal)
  }

  /** Where a pass ends. */
  #end(pass: Pass, results: readonly PassResult[]): void {
    const { plan } = pass
    this.#metrics.passes.inc()
    this.#metrics.passSeconds.observe((this.#clock.now() - pass.startedAt) / 1000)
    this.#metrics.passRows.inc({ kind: 'prompt' }, plan.promptRows)
    this.#metrics.passRows.inc({ kind: 'base' }, plan.baseRows)
    this.#metrics.passRows.inc({ kind: 'draft' }, plan.draftRows)
    for (const [i, request] of pass.requests.entries()) {
      const item = plan.items[i]!
      try {
        const outcome = request.advance(item.known, item.drafts, results[i]?.emitted ?? [], [])
        this.#metrics.generatedTokens.inc(outcome.tokens.length)
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

  /** The engine is lost, and all sequences with it; or it refused `requests`, which then start over. */
  #lost(error: unknown, requests: readonly ActiveRequest[]): void {
    if (this.#stop.signal.aborted) return
    const gone = error instanceof EngineError && error.code === 'ENGINE_LOST'
    this.#log.warn({ err: error, requests: requests.length }, gone ? 'engine lost' : 'engine refused a pass')
    const affected = gone ? this.#running : requests
    if (gone) {
      this.#metrics.engineRestarts.inc()
      this.#sequences.forget()
    }
    for (const request of affected) {
      const { sequence } = request
      if (!gone && sequence !== null) this.#engine.releaseSequence(sequence).catch(() => {})
      request.sequence = null
      request.cached = 0
      request.losses++
      if (request.losses > this.#settings.maxEngineLosses) {
        const message = `the engine failed ${request.losses} times under this request`
        this.#fail(request, new GenerationError('ENGINE_FAILED', message, { cause: error }))
      }
    }
    this.#running = this.#running.filter((request) => !request.events.ended || request.sequence !== null)
  }

  #fail(request: ActiveRequest, error: GenerationError): void {
    if (request.events.ended) return
    this.#metrics.requests.inc({ outcome: error.code.toLowerCase() })
    request.events.end(error)
  }

  #gauge(): void {
    this.#metrics.running.set(this.#running.length)
    this.#metrics.queued.set(this.#queue.length)
  }
}
