import type { Gguf } from '../gguf.ts'
import type { ModelConfig } from '../model-config.ts'
import { placeWeights } from '../reference/weights.ts'
import { type GpuMatrix, groupByForm, uploadMatrix } from './gpu-matrix.ts'
import type { GpuMemory } from './gpu-memory.ts'
import { readSource, type SourceTensor } from './packed-tensor.ts'

/** Products of one input, their outputs side by side: one matrix where the tensors are packed alike. */
export type Products = readonly GpuMatrix[]

export interface GpuLayer {
  readonly attnNorm: GPUBuffer
  readonly attnQkv: Products // [(H + 2K)·C × D]
  readonly attnSubNorm: GPUBuffer
  readonly attnOutput: Products
  readonly ffnNorm: GPUBuffer
  readonly ffnGateUp: Products // [2F × D]
  readonly ffnSubNorm: GPUBuffer
  readonly ffnDown: Products
}

export interface GpuModel {
  readonly embedding: GpuMatrix
  readonly layers: readonly GpuLayer[]
  readonly outputNorm: GPUBuffer
  /** The embedding itself when the file has no head of its own. */
  readonly head: GpuMatrix
}

/** Uploads a model layer by layer. @throws {EngineError} GGUF_INVALID, GGUF_UNSUPPORTED, OUT_OF_MEMORY */
export async function uploadModel(memory: GpuMemory, gguf: Gguf, config: ModelConfig): Promise<GpuModel> {
  const weights = placeWeights(gguf, config, readSource)
  /** What was written waits in the browser's memory until the GPU has it: at most a layer does. */
  const upload = async <T>(what: string, make: () => T): Promise<T> => {
    const made = await memory.guarded(what, make)
    memory.device.queue.submit([])
    await memory.device.queue.onSubmittedWorkDone()
    return made
  }
  /** Only graphs with all of BitNet's norms come here. */
  const gain = (label: string, values: Float32Array | null) => memory.filled(label, new Float32Array(values!))
  const products = (label: string, sources: readonly SourceTensor[]): Products =>
    groupByForm(sources).map((group) => uploadMatrix(memory, label, group))

  const embedding = await upload('the embedding', () =>
    uploadMatrix(memory, 'embedding', [weights.embedding]),
  )
  const layers: GpuLayer[] = []
  for (const [i, layer] of weights.layers.entries()) {
    layers.push(
      await upload(`layer ${i}`, () => ({
        attnNorm: gain(`layer ${i} attention norm`, layer.attnNorm),
        attnQkv: products(`layer ${i} q, k, v`, [layer.attnQ, layer.attnK, layer.attnV]),
        attnSubNorm: gain(`layer ${i} attention sub-norm`, layer.attnSubNorm),
        attnOutput: products(`layer ${i} attention output`, [layer.attnOutput]),
        ffnNorm: gain(`layer ${i} feed-forward norm`, layer.ffnNorm),
        ffnGateUp: products(`layer ${i} gate, up`, [layer.ffnGate, layer.ffnUp]),
        ffnSubNorm: gain(`layer ${i} feed-forward sub-norm`, layer.ffnSubNorm),
        ffnDown: products(`layer ${i} down`, [layer.ffnDown]),
      })),
    )
  }
  return {
    embedding,
    layers,
    ...(await upload('the head', () => ({
      outputNorm: gain('output norm', weights.outputNorm),
      head: weights.head === weights.embedding ? embedding : uploadMatrix(memory, 'head', [weights.head]),
    }))),
  }
}
