import type { Engine } from '../../shared/engine/engine.ts'
import { EngineError } from '../../shared/engine/engine-error.ts'
import { requestDevice } from '../../shared/engine/wgsl/device.ts'
import { loadWgslEngine } from '../../shared/engine/wgsl/load-wgsl-engine.ts'

/** The engine on WebGPU, or why there is none here; `why` is shown either way. */
export interface GpuAttempt {
  readonly engine: Engine | null
  readonly why: string
}

/** Likeliest tokens among which a draft is chosen; only their logits come back from the GPU (a larger pick gains nothing). */
const CANDIDATES = 64

/**
 * @param onLost the device went by itself (a driver renewed, a crash), with the reason
 * @throws {EngineError} GGUF_*: it is the model's fault, and no other engine would take it
 */
export async function loadGpuEngine(
  bytes: Uint8Array,
  limits: { readonly maxSequences: number; readonly maxRows: number },
  onLost: (reason: string) => void,
): Promise<GpuAttempt> {
  try {
    const ready = await requestDevice(navigator.gpu)
    const engine = await loadWgslEngine(bytes, {
      device: ready,
      ownsDevice: true,
      candidates: CANDIDATES,
      ...limits,
    })
    void ready.device.lost.then(({ reason, message }) => {
      if (reason !== 'destroyed') onLost(message || 'the graphics device was lost')
    })
    const { adapter, missing } = ready.report
    return { engine, why: [`WebGPU on ${adapter}`, ...missing].join('; ') }
  } catch (error) {
    const ours =
      error instanceof EngineError && (error.code === 'WEBGPU_UNAVAILABLE' || error.code === 'OUT_OF_MEMORY')
    if (!ours) throw error
    return { engine: null, why: error.message }
  }
}
