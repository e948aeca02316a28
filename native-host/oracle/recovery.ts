import type { Engine } from '../../shared/engine/engine.ts'
import { EngineError } from '../../shared/engine/engine-error.ts'
import type { Log } from '../../shared/log.ts'
import type { Metrics } from '../metrics.ts'
import type { ActiveRequest } from './active-request.ts'
import type { Clock } from './clock.ts'
import { GenerationError, type OracleStatus } from './generation.ts'
import type { Seats } from './seats.ts'
import type { OracleSettings } from './settings.ts'

export interface RecoveryInit {
  readonly engine: Engine
  /** The supervisor's view of the engine's process. */
  readonly engineState: () => OracleStatus['engineState']
  readonly settings: OracleSettings
  readonly log: Log
  readonly metrics: Metrics
  readonly clock: Clock
  readonly seats: Seats
}

/** What becomes of requests when the engine dies or refuses them: they start over from their true tokens, or are given up. */
export class Recovery {
  readonly #init: RecoveryInit
  /** Since when the engine is gone; null while it is there. */
  #outageSince: number | null = null

  constructor(init: RecoveryInit) {
    this.#init = init
  }

  /** The engine answers. */
  alive(): void {
    if (this.#outageSince === null) return
    const outageMs = this.#init.clock.now() - this.#outageSince
    this.#init.log.info({ outageMs }, 'engine back; running requests go on')
    this.#outageSince = null
  }

  /**
   * The engine is lost, and every sequence with it: running requests start over once it is back. Or it refused
   * `requests`: these start over.
   */
  lost(error: unknown, requests: readonly ActiveRequest[]): void {
    const { engine, settings, seats, log } = this.#init
    const code = error instanceof EngineError ? error.code : null
    // A sequence that the engine does not know went with its last process.
    const gone = code === 'ENGINE_LOST' || code === 'SEQUENCE_UNKNOWN'
    if (gone) this.#gone(error)
    else log.warn({ err: error, requests: requests.map(({ id }) => id) }, 'engine refused a pass')
    const hopeless = gone && this.#hopeless()
    for (const request of gone ? seats.running : requests) {
      const { sequence } = request
      // Waiting for the engine to come back is no loss of its own.
      if (!gone || sequence !== null) request.losses++
      if (!gone && sequence !== null) engine.releaseSequence(sequence).catch(() => {})
      request.sequence = null
      request.cached = 0
      if (hopeless || request.losses > settings.maxEngineLosses) {
        const message = hopeless
          ? 'the engine does not come back'
          : `the engine failed ${request.losses} times`
        seats.fail(request, new GenerationError('ENGINE_FAILED', message, { cause: error }))
      }
    }
    seats.sweep()
  }

  #gone(error: unknown): void {
    const { seats, clock, metrics, log } = this.#init
    seats.forget()
    if (this.#outageSince !== null) return
    this.#outageSince = clock.now()
    metrics.engineLosses.inc()
    log.warn({ err: error, running: seats.running.length }, 'engine lost')
  }

  #hopeless(): boolean {
    const { clock, engineState, settings } = this.#init
    const outageMs = clock.now() - (this.#outageSince ?? clock.now())
    return ['failed', 'unloaded'].includes(engineState()) || outageMs > settings.engineOutageMs
  }
}
