import type { OracleStatus } from '../oracle/generation.ts'
import type { ApiContext } from './context.ts'

/** An Oracle without a loaded model is well: it loads what the next request asks for. */
const STATUS: Readonly<Record<OracleStatus['engineState'], string>> = {
  ready: 'ok',
  unloaded: 'ok',
  starting: 'starting',
  restarting: 'starting',
  failed: 'failed',
}

/** GET /health: what runs, why, and how busy it is. */
export function health({ models, health: facts }: ApiContext): Readonly<Record<string, unknown>> {
  const status = models.status()
  const { engine } = status
  return {
    status: STATUS[status.engineState],
    ...facts(),
    engine: {
      state: status.engineState,
      ...(engine && {
        kind: engine.kind,
        kernel: engine.kernel,
        threads: engine.threads,
        kv_cache: engine.kvCache,
      }),
      ...(facts().engine as object | undefined),
    },
    model: engine && {
      id: models.currentId(),
      name: engine.model.name,
      architecture: engine.model.architecture,
      parameters: engine.model.parameters,
      context_length: engine.model.contextLength,
      tokenizer_hash: engine.tokenizerHash,
    },
    load: {
      slots: status.slots,
      running: status.running,
      queued: status.queued,
      load: status.load,
    },
    pass_ms: Object.fromEntries(status.passMs),
    workers: status.workers,
  }
}
