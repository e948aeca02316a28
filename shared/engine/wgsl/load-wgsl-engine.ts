import type { Engine, EngineInfo } from '../engine.ts'
import { EngineError } from '../engine-error.ts'
import { parseGguf } from '../gguf.ts'
import { type ModelConfig, modelInfo, readModelConfig } from '../model-config.ts'
import { hashGgufTokenizer } from '../tokenizer-hash.ts'
import { messageOf, type ReadyDevice, requestDevice, unavailable } from './device.ts'
import { GpuMemory } from './gpu-memory.ts'
import { GpuGraph } from './graph.ts'
import { BLOCK_POSITIONS } from './kernels/attention.wgsl.ts'
import { MAX_CANDIDATES } from './kernels/candidates.wgsl.ts'
import type { Variant } from './kernels/lanes.wgsl.ts'
import { productForm } from './kernels/products.wgsl.ts'
import { KvPool } from './kv-pool.ts'
import { uploadModel } from './model.ts'
import { passWords } from './pass-data.ts'
import { PassRunner } from './pass-runner.ts'
import { Pipelines } from './pipelines.ts'
import { createScratch, rowsThatFit } from './scratch.ts'
import { WgslEngine } from './wgsl-engine.ts'

export interface WgslEngineOptions {
  /** From `requestDevice`. Else the engine asks `gpu` for a device of its own. */
  readonly device?: ReadyDevice
  /** unload(), or a load that fails, ends the device: true without `device`; with it only where this says so. */
  readonly ownsDevice?: boolean
  /** `navigator.gpu`, or what npm `webgpu` creates. */
  readonly gpu?: GPU | undefined
  /** Sequences open at once. */
  readonly maxSequences?: number
  /** Rows in one pass; fewer where the device's bindings are small. */
  readonly maxRows?: number
  /**
   * For drafting: a row's choice is made among its `candidates` likeliest tokens (20 … 64), which alone come back from the
   * GPU, and log-probabilities have float32's precision. Absent: results are exactly those of verify/walk.ts over whole rows.
   */
  readonly candidates?: number
  /** Whether to use packed dot products and subgroups where they are there; absent: where they pay. */
  readonly dot4?: boolean
  readonly subgroups?: boolean
  /** Small workgroups, as software adapters want them; absent: on those. */
  readonly narrow?: boolean
  /** Largest buffer, below the device's own limit: large models are split over several. */
  readonly maxBufferBytes?: number
}

const DEFAULT_MAX_SEQUENCES = 16
/** A prompt's chunk; working memory is set aside for it. */
const DEFAULT_MAX_ROWS = 256
/** As many as `topLogprobs` may ask for. */
const MIN_CANDIDATES = 20

/**
 * Loads a GGUF file from memory onto a GPU; the bytes may be dropped afterwards.
 * @throws {EngineError} GGUF_TRUNCATED, GGUF_INVALID, GGUF_UNSUPPORTED, OUT_OF_MEMORY, WEBGPU_UNAVAILABLE
 */
export async function loadWgslEngine(bytes: Uint8Array, options: WgslEngineOptions): Promise<Engine> {
  const { candidates = 0 } = options
  const valid = Number.isInteger(candidates) && candidates >= MIN_CANDIDATES && candidates <= MAX_CANDIDATES
  if (options.candidates !== undefined && !valid) {
    throw new RangeError(`candidates is ${candidates}; ${MIN_CANDIDATES} to ${MAX_CANDIDATES} are expected`)
  }
  const gguf = parseGguf(bytes)
  const config = readModelConfig(gguf)
  refuseOthers(config)
  const tokenizerHash = await hashGgufTokenizer(gguf)
  const ready = options.device ?? (await requestDevice(options.gpu))
  const ownsDevice = options.ownsDevice ?? options.device === undefined
  const memory = new GpuMemory(ready.device, options.maxBufferBytes)
  try {
    const variant: Variant = {
      // On a processor packed dot products are taken apart again, and cost more than the portable way.
      dot4: ready.dot4 && (options.dot4 ?? !ready.report.software),
      subgroups: ready.subgroups && (options.subgroups ?? true),
      narrow: options.narrow ?? ready.report.software,
    }
    const maxRows = rowsThatFit(memory, config, options.maxRows ?? DEFAULT_MAX_ROWS)
    const maxSequences = options.maxSequences ?? DEFAULT_MAX_SEQUENCES
    const info = describe(config, variant, tokenizerHash, maxSequences, maxRows)
    const blocks = Math.ceil(config.contextLength / BLOCK_POSITIONS)
    const model = await uploadModel(memory, gguf, config)
    const pool = new KvPool(memory, config, maxSequences * blocks)
    const scratch = await memory.guarded('working memory', () => {
      pool.open(config.layers)
      const words = passWords(maxRows, config.headDim, maxSequences, blocks)
      const valueBytes = productForm(variant).words / 4
      return createScratch(memory, config, maxRows, words, valueBytes, !variant.narrow)
    })
    const pipelines = Pipelines.of(ready.device)
    const parts = { config, model, memory, pipelines, variant, scratch, pool }
    const graph = await GpuGraph.build(parts, maxRows, candidates)
    const runner = new PassRunner(memory, graph, scratch, config)
    return new WgslEngine({ info, memory, graph, pool, runner, candidatesOnly: candidates > 0, ownsDevice })
  } catch (error) {
    memory.freeAll()
    if (ownsDevice) ready.device.destroy()
    throw error instanceof EngineError
      ? error
      : unavailable(`the model does not load on this GPU: ${messageOf(error)}`, error)
  }
}

/** The shaders are BitNet's graph alone. */
function refuseOthers({ architecture, graph, activationGroup, rope }: ModelConfig): void {
  const { subNorms, headNorms, ropePairs } = graph
  const runs = subNorms && !headNorms && ropePairs === 'halves' && activationGroup === 0 && rope.yarn === null
  if (runs) return
  throw new EngineError(
    'GGUF_UNSUPPORTED',
    `the WGSL engine does not run architecture ${JSON.stringify(architecture)}${rope.yarn === null ? '' : ' with YaRN'}: ` +
      'use the native or the reference engine, or a BitNet model',
  )
}

function describe(
  config: ModelConfig,
  { dot4, subgroups }: Variant,
  tokenizerHash: string,
  maxSequences: number,
  maxRows: number,
): EngineInfo {
  const used = [...(dot4 ? ['dot4'] : []), ...(subgroups ? ['subgroups'] : [])]
  return {
    kind: 'wgsl',
    kernel: `wgsl-${used.join('-') || 'portable'}`,
    threads: 1,
    model: modelInfo(config),
    tokenizerHash,
    maxSequences,
    maxRows,
    kvCache: 'f16',
  }
}
