import { EngineClient } from '../../shared/engine/remote/engine-client.ts'
import {
  type FromEngine,
  fromWire,
  type LoadStep,
  type ToEngine,
} from '../../shared/engine/remote/engine-messages.ts'
import EngineWorker from './engine-worker.ts?worker'

/** What the worker is told to load. */
export interface WorkerLoad {
  /** Where the GGUF file is: a file of this package. */
  readonly model: string
  readonly maxSequences: number
  readonly maxRows: number
}

/** An engine in a worker of its own, loaded. */
export interface WorkerEngine {
  readonly engine: EngineClient
  readonly why: string
  /** Resolves with the reason when the device or the worker is gone. */
  readonly lost: Promise<string>
  /** Frees the model and destroys the device; ends the worker at once when that takes too long. */
  close(): Promise<void>
}

/** A worker that was told to stop has this long to destroy its device in order. */
const STOP_MS = 1_000

/** Which worker of this document comes next: sequence ids are never used twice. */
let generation = 0

/**
 * @throws {EngineError} what refused the model
 * @throws {Error} when the worker does not start; the signal's reason when it aborts
 */
export async function startWorkerEngine(
  load: WorkerLoad,
  onProgress: (step: LoadStep) => void,
  signal: AbortSignal,
): Promise<WorkerEngine> {
  signal.throwIfAborted()
  const worker = new EngineWorker({ name: 'engine' })
  const send = (message: ToEngine<WorkerLoad>) => worker.postMessage(message)
  const loaded = Promise.withResolvers<{ engine: EngineClient; why: string }>()
  const lost = Promise.withResolvers<string>()
  let engine: EngineClient | null = null
  const gone = (reason: string) => {
    engine?.lose(reason)
    loaded.reject(new Error(reason))
    lost.resolve(reason)
  }
  worker.addEventListener('message', ({ data }: MessageEvent<FromEngine>) => {
    if (data.type === 'loaded') {
      engine = new EngineClient(data.info, generation++, send)
      loaded.resolve({ engine, why: data.why })
    } else if (data.type === 'refused') loaded.reject(fromWire(data.error))
    else if (data.type === 'progress') onProgress(data.progress)
    else if (data.type === 'lost') gone(data.reason)
    else engine?.receive(data)
  })
  worker.addEventListener('error', (event) => gone(`the engine’s worker failed: ${event.message}`))
  const onAbort = () => loaded.reject(signal.reason)
  signal.addEventListener('abort', onAbort, { once: true })
  send({ type: 'load', options: load })
  try {
    const ready = await loaded.promise
    return {
      ...ready,
      lost: lost.promise,
      async close() {
        const { promise: tooLong, resolve } = Promise.withResolvers<void>()
        const timer = setTimeout(resolve, STOP_MS)
        // The worker answers once its device is destroyed.
        await Promise.race([ready.engine.unload().catch(() => {}), tooLong])
        clearTimeout(timer)
        worker.terminate()
        gone('the engine was stopped')
      },
    }
  } catch (error) {
    worker.terminate()
    throw error
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}
