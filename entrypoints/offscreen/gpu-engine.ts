import type { Engine } from '../../shared/engine/engine.ts'

export interface GpuAttempt {
  readonly engine: Engine | null
  readonly why: string
}

export async function loadGpuEngine(
  _bytes: Uint8Array,
  _limits: { readonly maxSequences: number; readonly maxRows: number },
  _onLost: (reason: string) => void,
): Promise<GpuAttempt> {
  return { engine: null, why: 'the engine on WebGPU is not there yet' }
}
