import type { Engine } from '../../shared/engine/engine.ts'
import type { Metrics } from '../metrics.ts'
import type { ActiveRequest } from './active-request.ts'
import type { Drafting } from './drafting.ts'
import { GaugeShare } from './gauge-share.ts'
import { GenerationError } from './generation.ts'
import { commonPrefix } from './prefix-cache.ts'
import { Sequences } from './sequences.ts'
import type { OracleSettings } from './settings.ts'

/** A prompt shorter than this is computed rather than awaited from a request that is computing the same. */
const FOLLOW_TOKENS = 32

export interface SeatsInit {
  readonly engine: Engine
  readonly settings: OracleSettings
  readonly metrics: Metrics
  readonly drafting: Drafting
  /** The engine failed while these requests were being served; none: while no one was. */
  readonly lost: (error: unknown, requests: readonly ActiveRequest[]) => void
  /** It opened a sequence: it is there. */
  readonly alive: () => void
}

/** Who generates and who waits: slots, the queue before them, and each running request's sequence in the engine. */
export class Seats {
  readonly #init: SeatsInit
  readonly #sequences: Sequences
  readonly #runningGauge: GaugeShare
  readonly #queuedGauge: GaugeShare
  /** Requests that run at once: as set, or fewer where the engine cannot hold as many sequences. */
  readonly count: number
  #queue: ActiveRequest[] = []
  #running: ActiveRequest[] = []
  /** Requests whose reader has gone, until they are taken out. */
  readonly #leaving = new Set<ActiveRequest>()

  constructor(init: SeatsInit) {
    const { engine, settings, metrics } = init
    this.#init = init
    this.#runningGauge = new GaugeShare(metrics.running)
    this.#queuedGauge = new GaugeShare(metrics.queued)
    this.#sequences = new Sequences(engine, settings.cachedSequences, settings.slots)
    this.count = Math.max(1, Math.min(settings.slots, engine.info.maxSequences, engine.info.maxRows))
  }

  get running(): readonly ActiveRequest[] {
    return this.#running
  }

  /** Those of them that have not ended: who has its answer does not wait until its seat is cleared. */
  get unfinished(): number {
    return this.#running.filter(({ events }) => !events.ended).length
  }

  get queued(): number {
    return this.#queue.length
  }

  /** Running requests that have their sequence. */
  get runnable(): readonly ActiveRequest[] {
    return this.#running.filter((request) => request.sequence !== null)
  }

  /** @throws {GenerationError} OVERLOADED */
  submit(request: ActiveRequest): void {
    const free = this.count - this.#running.length
    if (this.#queue.length >= this.#init.settings.maxQueue + Math.max(0, free)) {
      throw new GenerationError(
        'OVERLOADED',
        `${this.#queue.length} requests are waiting already; try again later`,
      )
    }
    this.#queue.push(request)
    this.#gauge()
  }

  /** The reader is gone: the request leaves when the seats are settled next. */
  cancel(request: ActiveRequest): void {
    const { metrics, drafting } = this.#init
    this.#leaving.add(request)
    metrics.requests.inc({ outcome: 'aborted' })
    request.events.end(new GenerationError('ABORTED', 'the request was cancelled'))
    drafting.leave(request, 'cancelled')
  }

  /** Between passes: ended requests out, waiting ones in, everyone that runs has a sequence. */
  async settle(): Promise<void> {
    const { drafting, lost } = this.#init
    // Told before the first wait: whoever has read its answer and asks next finds itself gone.
    this.#gauge()
    for (const request of this.#leaving) {
      this.#queue = this.#queue.filter((other) => other !== request)
      if (this.#running.includes(request)) await this.#vacate(request)
    }
    this.#leaving.clear()
    for (const request of this.#running.filter((other) => other.events.ended)) await this.#vacate(request)
    while (this.#running.length < this.count) {
      const request = this.#queue.shift()
      if (request === undefined) break
      this.#running.push(request)
      drafting.join(request, this.#sequences.helpers(request.tokens))
    }
    for (const request of [...this.#running]) {
      if (request.sequence !== null || this.#follows(request)) continue
      try {
        await this.#open(request)
      } catch (error) {
        lost(error, [request])
      }
    }
    this.#gauge()
  }

  /** Ends a request with an error; its seat is free when the seats are settled next. */
  fail(request: ActiveRequest, error: GenerationError): void {
    if (request.events.ended) return
    const { metrics, drafting } = this.#init
    metrics.requests.inc({ outcome: error.code.toLowerCase() })
    request.events.end(error)
    drafting.leave(request, error.code === 'SHUTTING_DOWN' ? 'shutdown' : 'cancelled')
  }

  /** The engine's process is gone, and every sequence with it. */
  forget(): void {
    this.#sequences.forget()
  }

  /** Takes out those that have ended and hold no sequence. */
  sweep(): void {
    this.#running = this.#running.filter((request) => !request.events.ended || request.sequence !== null)
  }

  /** Ends everybody with the error and gives all sequences back. */
  async close(error: GenerationError): Promise<void> {
    for (const request of [...this.#running, ...this.#queue]) {
      this.fail(request, error)
      if (request.sequence !== null) await this.#init.engine.releaseSequence(request.sequence).catch(() => {})
    }
    await this.#sequences.close()
    this.#running = []
    this.#queue = []
    this.#gauge()
  }

  async #open(request: ActiveRequest): Promise<void> {
    const { metrics, alive } = this.#init
    const shared = this.#running.flatMap((other) =>
      other.sequence === null
        ? []
        : [{ sequence: other.sequence, tokens: other.tokens.slice(0, other.cached) }],
    )
    const { sequence, length } = await this.#sequences.open(request.tokens, shared)
    alive()
    request.sequence = sequence
    request.cached = length
    if (request.reused === null) {
      request.reused = length
      metrics.promptTokens.inc({ cached: 'yes' }, length)
      metrics.promptTokens.inc({ cached: 'no' }, request.request.prompt.length - length)
    }
  }

  /** Frees a request's slot; its KV cache stays for whoever begins the same way. */
  async #vacate(request: ActiveRequest): Promise<void> {
    const { engine, drafting, lost } = this.#init
    this.#running = this.#running.filter((other) => other !== request)
    const workers = drafting.leave(request, 'finished')
    const { sequence } = request
    if (sequence === null) return
    request.sequence = null
    try {
      await engine.truncate(sequence, request.cached)
      await this.#sequences.keep(sequence, request.tokens.slice(0, request.cached), workers)
    } catch (error) {
      lost(error, [])
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

  #gauge(): void {
    this.#runningGauge.set(this.unfinished)
    this.#queuedGauge.set(this.#queue.length)
  }
}
