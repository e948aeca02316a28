import type { DraftWorkerPool } from '../../shared/drafter/draft-worker.ts'
import type { EngineInfo } from '../../shared/engine/engine.ts'
import { EngineError } from '../../shared/engine/engine-error.ts'
import type { Log } from '../../shared/log.ts'
import { TokenizerError } from '../../shared/tokenizer/tokenizer-error.ts'
import { type TextCodec, textCodec } from '../api/text-codec.ts'
import { type LocalDrafters, startLocalDrafters } from '../daemon/local-drafters.ts'
import { tokenizerBeside } from '../daemon/model-files.ts'
import { engineLoad, oracleSettings } from '../daemon/oracle-settings.ts'
import { ShardError } from '../daemon/shard-error.ts'
import { type EngineStateEvent, EngineSupervisor } from '../engine/supervisor.ts'
import type { Metrics } from '../metrics.ts'
import type { CatalogModel } from '../models/model-catalog.ts'
import { CombinedPool } from '../oracle/combined-pool.ts'
import { createOracle, type Oracle } from '../oracle/oracle.ts'
import type { SelfCommand } from '../packaged/self-command.ts'
import type { Settings } from '../settings/schema.ts'
import { TargetError } from './target-error.ts'

/** A loaded model and all that belongs to it: its engine's process, its Oracle, its tokenizer, the drafters beside it. */
export interface Target {
  readonly model: CatalogModel
  readonly engine: EngineInfo
  readonly oracle: Oracle
  readonly codec: TextCodec
  readonly localDrafters: readonly string[]
  /** The engine's process: state, why this engine, process id. */
  process(): EngineStateEvent
  restarts(): number
  /** Ends its requests, its drafters and its process, in this order. */
  stop(): Promise<void>
}

export interface TargetParts {
  readonly settings: Settings
  readonly self: SelfCommand
  /** Scouts whose draft fits this tokenizer; null without the mesh. */
  pool(tokenizerHash: string): DraftWorkerPool | null
  /** Assignments of all targets together: a Scout may draft for several. */
  readonly assignmentIds: () => number
  readonly metrics: Metrics
  readonly log: Log
  /** The engine's process of a model that loads or is loaded is in another state. */
  engineChanged(model: CatalogModel, event: EngineStateEvent): void
}

/** A process that dies while it loads gets one more try: by then somebody waits for an answer. */
const FAILED_LOADS = 2

/**
 * @param isHome it is the Oracle's own model: its draft model must fit
 * @throws {TargetError} NOT_LOADABLE, LOAD_FAILED {EngineError} what refused the model {ShardError} TOKENIZER_MISMATCH
 */
export async function loadTarget(
  model: CatalogModel,
  isHome: boolean,
  parts: TargetParts,
  signal: AbortSignal,
): Promise<Target> {
  const { settings, self, metrics, log } = parts
  const tokenizer = await tokenizerBeside(model.path).catch((error: unknown) => {
    throw notLoadable(model, error)
  })
  const limits = isHome ? {} : { maxFailedStarts: FAILED_LOADS }
  const supervisor = new EngineSupervisor({ self, load: engineLoad(settings, model), limits })
  supervisor.onState((event) => parts.engineChanged(model, event))
  const abort = () => void supervisor.stop()
  signal.addEventListener('abort', abort, { once: true })
  let drafters: LocalDrafters | null = null
  try {
    const engine = await supervisor.start().catch((error: unknown) => {
      throw notLoadable(model, error)
    })
    if (tokenizer.hash !== engine.tokenizerHash)
      throw notLoadable(
        model,
        new ShardError('TOKENIZER_MISMATCH', `the tokenizer beside ${model.path} is another model’s`),
      )
    const local = await startLocalDrafters(settings, engine, self, { mustFit: isHome, log })
    drafters = local
    const scouts = parts.pool(engine.tokenizerHash)
    const oracle = createOracle({
      engine: supervisor.engine,
      pool: scouts ? new CombinedPool([scouts, local.pool]) : local.pool,
      settings: oracleSettings(settings),
      assignmentIds: parts.assignmentIds,
      log,
      metrics,
      engineState: () => supervisor.state,
    })
    log.info(
      {
        model: model.id,
        engine,
        why: supervisor.status.reason,
        packing: model.packing,
        paceMs: settings['engine.pace_ms'],
      },
      'model loaded',
    )
    return {
      model,
      engine,
      oracle,
      codec: textCodec(tokenizer, engine.model),
      localDrafters: local.names,
      process: () => supervisor.status,
      restarts: () => supervisor.restarts,
      stop: async () => {
        await oracle.stop()
        await local.stop()
        await supervisor.stop()
      },
    }
  } catch (error) {
    await drafters?.stop()
    await supervisor.stop()
    throw error
  } finally {
    signal.removeEventListener('abort', abort)
  }
}

/** What a client can be told of a model that refuses to load; anything else as it is. */
function notLoadable({ id }: CatalogModel, cause: unknown): unknown {
  const said = cause instanceof Error ? cause.message : String(cause)
  if (cause instanceof EngineError && cause.code === 'ENGINE_LOST')
    return new TargetError('LOAD_FAILED', `the model ${id} was not loaded: ${said}`, { cause })
  if (cause instanceof EngineError && cause.code === 'OUT_OF_MEMORY')
    return new TargetError('TOO_LITTLE_MEMORY', `there is too little memory for the model ${id}: ${said}`, {
      cause,
    })
  if (cause instanceof EngineError || cause instanceof ShardError || cause instanceof TokenizerError)
    return new TargetError('NOT_LOADABLE', `the model ${id} cannot be loaded: ${said}`, { cause })
  return cause
}
