import { type ApiContext, modelId } from './context.ts'

/** GET /health: what runs, why, and how busy it is. */
export function health({ generator, health: facts }: ApiContext): Readonly<Record<string, unknown>> {
  const status = generator.status()
  const { engine } = status
  return {
    status: status.engineState === 'ready' ? 'ok' : status.engineState === 'failed' ? 'failed' : 'starting',
    ...facts(),
    engine: {
      state: status.engineState,
      ...(engine && { kind: engine.kind, kernel: engine.kernel, threads: engine.threads }),
      ...(facts().engine as object | undefined),
    },
    model: engine && {
      id: modelId(engine.model),
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
