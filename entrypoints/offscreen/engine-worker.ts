import { loadReferenceEngine } from '../../shared/engine/reference/reference-engine.ts'
import type { FromEngine, ToEngine } from '../../shared/engine/remote/engine-messages.ts'
import { EngineServer } from '../../shared/engine/remote/engine-server.ts'
import { loadGpuEngine } from './gpu-engine.ts'
import type { WorkerLoad } from './worker-engine.ts'

/** The worker in which the draft model runs: WebGPU where there is an adapter, else the reference engine, saying why. */
const scope = globalThis as unknown as Pick<Worker, 'postMessage' | 'addEventListener'> & { close(): void }
const send = (message: FromEngine) => scope.postMessage(message)

const server = new EngineServer<WorkerLoad>({
  load: async (options) => {
    const bytes = await readModel(options.model, (done, totalBytes) =>
      send({ type: 'progress', progress: { step: 'read', bytes: done, totalBytes } }),
    )
    send({
      type: 'progress',
      progress: { step: 'compile', bytes: bytes.byteLength, totalBytes: bytes.byteLength },
    })
    const limits = { maxSequences: options.maxSequences, maxRows: options.maxRows }
    const gpu = await loadGpuEngine(bytes, limits, (reason) => send({ type: 'lost', reason }))
    if (gpu.engine) return { engine: gpu.engine, why: gpu.why }
    return {
      engine: await loadReferenceEngine(bytes, limits),
      why: gpu.why,
    }
  },
  send,
  stopped: () => scope.close(),
})
scope.addEventListener('message', (event) => server.receive(event.data as ToEngine<WorkerLoad>))

/** @throws when the file cannot be read whole */
async function readModel(
  url: string,
  progress: (done: number, total: number) => void,
): Promise<Uint8Array<ArrayBuffer>> {
  const response = await fetch(url)
  if (!response.ok || !response.body)
    throw new Error(`the model ${url} cannot be read: status ${response.status}`)
  const chunks: Uint8Array<ArrayBuffer>[] = []
  const length = Number(response.headers.get('content-length') ?? 0)
  let done = 0
  for (const reader = response.body.getReader(); ; ) {
    const { value } = await reader.read()
    if (!value) break
    chunks.push(value)
    done += value.byteLength
    progress(done, Math.max(done, length))
  }
  return new Uint8Array(await new Blob(chunks).arrayBuffer())
}
