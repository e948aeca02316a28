import type { DraftWorker, DraftWorkerPool } from '../../shared/drafter/draft-worker.ts'
import { EngineDrafter } from '../../shared/drafter/engine-drafter.ts'
import { LocalWorker } from '../../shared/drafter/local-worker.ts'
import { NgramDrafter } from '../../shared/drafter/ngram-drafter.ts'
import type { EngineInfo } from '../../shared/engine/engine.ts'
import type { Log } from '../../shared/log.ts'
import { EngineSupervisor } from '../engine/supervisor.ts'
import { FixedPool } from '../oracle/combined-pool.ts'
import type { SelfCommand } from '../packaged/self-command.ts'
import type { Settings } from '../settings/schema.ts'
import { modelFile } from './model-files.ts'
import { ShardError } from './shard-error.ts'

export interface LocalDrafters {
  readonly pool: DraftWorkerPool
  readonly names: readonly string[]
  stop(): Promise<void>
}

export interface LocalDrafterOptions {
  /** Whether a draft model of another tokenizer is a mistake; else the target works without it. */
  readonly mustFit: boolean
  readonly log: Log
}

/** Drafters beside the engine, as the setting draft.local says: the honest baseline for Scouts. */
export async function startLocalDrafters(
  settings: Settings,
  target: EngineInfo,
  self: SelfCommand,
  { mustFit, log }: LocalDrafterOptions,
): Promise<LocalDrafters> {
  const kind = settings['draft.local']
  const workers: DraftWorker[] = []
  let supervisor: EngineSupervisor | null = null
  if (kind === 'ngram' || kind === 'both') {
    const { vocabSize, contextLength } = target.model
    workers.push(new LocalWorker(new NgramDrafter(vocabSize, contextLength)))
  }
  if (kind === 'model' || kind === 'both') {
    const model = modelFile(settings['draft.model'], 'draft')
    // In a process of its own: the target's passes and the draft's would otherwise wait for each other.
    supervisor = new EngineSupervisor({
      self,
      load: { model, kind: settings['engine.kind'], kvCache: settings['engine.kv_cache'], threads: 1 },
    })
    const info = await supervisor.start()
    if (info.tokenizerHash === target.tokenizerHash) {
      workers.push(new LocalWorker(new EngineDrafter(supervisor.engine)))
    } else {
      await supervisor.stop()
      const why = `the draft model ${model} has another tokenizer than the target`
      if (mustFit) throw new ShardError('TOKENIZER_MISMATCH', `${why}; choose another draft.model`)
      log.info({ target: target.model.name }, `${why}: it does not draft for it`)
    }
  }
  return {
    pool: new FixedPool(workers),
    names: workers.map(({ id }) => id),
    stop: async () => supervisor?.stop(),
  }
}
