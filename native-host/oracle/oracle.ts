import type { DraftWorkerPool } from '../../shared/drafter/draft-worker.ts'
import type { Engine } from '../../shared/engine/engine.ts'
import { type Log, SILENT } from '../../shared/log.ts'
import { createMetrics, type Metrics } from '../metrics.ts'
import { ActiveRequest } from './active-request.ts'
import { type Clock, SYSTEM_CLOCK } from './clock.ts'
import { FixedPool } from './combined-pool.ts'
import {
  GenerationError,
  type GenerationEvent,
  type GenerationRequest,
  type Generator,
  type OracleStatus,
} from './generation.ts'
import { PassLoop } from './pass-loop.ts'
import { DEFAULT_ORACLE_SETTINGS, type OracleSettings } from './settings.ts'

export interface OracleInit {
  readonly engine: Engine
  /** Who drafts; without one the Oracle works alone. */
  readonly pool?: DraftWorkerPool
  readonly settings?: Partial<OracleSettings>
  readonly log?: Log
  readonly metrics?: Metrics
  readonly clock?: Clock
  /** The supervisor's view of the engine's process; absent: an engine that lives in this process. */
  readonly engineState?: () => OracleStatus['engineState']
  /** Numbers of assignments, never the same twice; absent: this Oracle's own. Those that share workers share them. */
  readonly assignmentIds?: () => number
}

/** A running Oracle: generates, says how it is, and can be stopped. */
export interface Oracle extends Generator {
  /** Ends all requests with SHUTTING_DOWN; resolves when the engine is idle. Does not unload the engine. */
  stop(): Promise<void>
}

/**
 * The Oracle's core over a loaded engine.
 *
 * @example
 * const oracle = createOracle({ engine })
 * for await (const event of oracle.generate(request, AbortSignal.timeout(60_000))) …
 */
export function createOracle(init: OracleInit): Oracle {
  const { engine, log = SILENT, metrics = createMetrics(), clock = SYSTEM_CLOCK } = init
  const settings = { ...DEFAULT_ORACLE_SETTINGS, ...init.settings }
  const engineState = init.engineState ?? (() => 'ready')
  const pool = init.pool ?? new FixedPool()
  const assignmentIds = init.assignmentIds ?? counter()
  const loop = new PassLoop({ engine, pool, settings, log, metrics, clock, engineState, assignmentIds })
  loop.start()
  let nextId = 1

  async function* generate(
    request: GenerationRequest,
    signal: AbortSignal,
  ): AsyncGenerator<GenerationEvent, void, void> {
    if (signal.aborted) throw new GenerationError('ABORTED', 'the request was cancelled before it began')
    const { contextLength } = engine.info.model
    if (request.prompt.length === 0) throw new TypeError('a prompt has at least one token')
    if (request.prompt.length >= contextLength) {
      const message = `the prompt has ${request.prompt.length} tokens, the context holds ${contextLength}`
      throw new GenerationError('PROMPT_TOO_LONG', `${message} with the answer`)
    }
    const active = new ActiveRequest(nextId++, request, contextLength)
    const cancel = () => loop.cancel(active)
    signal.addEventListener('abort', cancel, { once: true })
    try {
      loop.submit(active)
      yield* active.events
    } finally {
      signal.removeEventListener('abort', cancel)
      cancel()
    }
  }

  return {
    generate,
    status: () => ({
      engine: engine.info,
      engineState: engineState(),
      slots: loop.slots,
      running: loop.running,
      queued: loop.queued,
      load: Math.min(1, (loop.running + loop.queued) / loop.slots),
      passMs: loop.passMs,
      workers: loop.workers(),
    }),
    stop: () => loop.stop(),
  }
}

/** 1, 2, 3 … */
export function counter(): () => number {
  let next = 1
  return () => next++
}
