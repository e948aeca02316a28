import { EngineError } from '../engine-error.ts'
import type { Gguf, GgufTensor } from '../gguf.ts'
import type { ModelConfig } from '../model-config.ts'
import { DenseMatrix, type Matrix, readFloats } from './matrix.ts'
import { unpackTernary } from './ternary-blocks.ts'
import { TernaryMatrix } from './ternary-matrix.ts'

/** D embedding, F feed-forward, H heads, K key heads, C head width, V vocabulary. */
export interface Layer<M = Matrix> {
  readonly attnNorm: Float32Array // [D]
  readonly attnQ: M // [H·C × D]
  readonly attnK: M // [K·C × D]
  readonly attnV: M // [K·C × D]
  readonly attnQNorm: Float32Array | null // [C]
  readonly attnKNorm: Float32Array | null // [C]
  readonly attnSubNorm: Float32Array | null // [H·C]
  readonly attnOutput: M // [D × H·C]
  readonly ffnNorm: Float32Array // [D]
  readonly ffnGate: M // [F × D]
  readonly ffnUp: M // [F × D]
  readonly ffnSubNorm: Float32Array | null // [F]
  readonly ffnDown: M // [D × F]
}

/** Norms that an architecture does not have are null. */
export interface Weights<M = Matrix> {
  readonly embedding: M // [V × D]
  readonly layers: readonly Layer<M>[]
  readonly outputNorm: Float32Array // [D]
  /** The embedding itself when the file has no head of its own. */
  readonly head: M // [V × D]
  /** By which pairs of a head turn slower, where the file says so. */
  readonly ropeFactors: Float32Array | null // [C / 2]
}

/** Unpacks every tensor, in its expected shape. @throws {EngineError} GGUF_INVALID, GGUF_UNSUPPORTED, OUT_OF_MEMORY */
export function readWeights(gguf: Gguf, config: ModelConfig): Weights {
  return placeWeights(gguf, config, (tensor, factor) => {
    if (!tensor.type.ternary) return new DenseMatrix(tensor)
    const weights = unpackTernary(tensor)
    if (factor !== 1 && weights.scales.length > 1) throw scaledTwice(tensor.name)
    const scaled = { ...weights, scales: weights.scales.map((scale) => scale * factor) }
    return new TernaryMatrix(tensor.rows, tensor.columns, scaled, config.activationGroup)
  })
}

/**
 * Makes a matrix of every tensor that the graph multiplies with, once its shape is checked. `factor` is the tensor's own
 * `.scale`, 1 without; only ternary tensors have another. @throws {EngineError} as readWeights, and what `make` throws
 */
export function placeWeights<M>(
  gguf: Gguf,
  config: ModelConfig,
  make: (tensor: GgufTensor, factor: number) => M,
): Weights<M> {
  const taker = new TensorTaker(gguf, make)
  const { embedding: width, feedForward, vocabSize, heads, kvHeads, headDim, graph } = config
  const query = heads * headDim
  const keys = kvHeads * headDim
  try {
    const embedding = taker.matrix('token_embd', vocabSize, width)
    const layers = Array.from({ length: config.layers }, (_, i): Layer<M> => {
      const name = `blk.${i}`
      return {
        attnNorm: taker.gain(`${name}.attn_norm`, width),
        attnQ: taker.matrix(`${name}.attn_q`, query, width),
        attnK: taker.matrix(`${name}.attn_k`, keys, width),
        attnV: taker.matrix(`${name}.attn_v`, keys, width),
        attnQNorm: graph.headNorms ? taker.gain(`${name}.attn_q_norm`, headDim) : null,
        attnKNorm: graph.headNorms ? taker.gain(`${name}.attn_k_norm`, headDim) : null,
        attnSubNorm: graph.subNorms ? taker.gain(`${name}.attn_sub_norm`, query) : null,
        attnOutput: taker.matrix(`${name}.attn_output`, width, query),
        ffnNorm: taker.gain(`${name}.ffn_norm`, width),
        ffnGate: taker.matrix(`${name}.ffn_gate`, feedForward, width),
        ffnUp: taker.matrix(`${name}.ffn_up`, feedForward, width),
        ffnSubNorm: graph.subNorms ? taker.gain(`${name}.ffn_sub_norm`, feedForward) : null,
        ffnDown: taker.matrix(`${name}.ffn_down`, width, feedForward),
      }
    })
    const outputNorm = taker.gain('output_norm', width)
    const head = gguf.tensors.has('output.weight') ? taker.matrix('output', vocabSize, width) : embedding
    const factored = graph.ropePairs === 'neighbours' && gguf.tensors.has(ROPE_FACTORS)
    const ropeFactors = factored ? taker.gain('rope_freqs', headDim / 2) : null
    if (ropeFactors?.some((factor) => factor <= 0)) throw notAboveZero(ROPE_FACTORS)
    taker.nothingLeft()
    return { embedding, layers, outputNorm, head, ropeFactors }
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    throw new EngineError('OUT_OF_MEMORY', `not enough memory for ${config.parameters} weights`, {
      cause: error,
    })
  }
}

/** llama3's rotary scaling; llama.cpp reads it for `llama` alone. */
const ROPE_FACTORS = 'rope_freqs.weight'

/** Takes tensors by name and shape, and knows in the end which nobody took: a graph that ignores tensors runs wrongly. */
class TensorTaker<M> {
  readonly #gguf: Gguf
  readonly #make: (tensor: GgufTensor, factor: number) => M
  readonly #left: Set<string>

  constructor(gguf: Gguf, make: (tensor: GgufTensor, factor: number) => M) {
    this.#gguf = gguf
    this.#make = make
    this.#left = new Set(gguf.tensors.keys())
  }

  gain(name: string, size: number): Float32Array {
    const tensor = this.#take(`${name}.weight`, 1, size)
    if (tensor.type.blockWeights > 1) throw unsupported(tensor.name, 'is a norm and must be F32, F16 or BF16')
    return readFloats(tensor)
  }

  /** 1bitLLM's files may carry a matrix's scale as a tensor of its own, `<name>.scale`. */
  matrix(name: string, rows: number, columns: number): M {
    const tensor = this.#take(`${name}.weight`, rows, columns)
    const scaled = this.#gguf.tensors.has(`${name}.scale`)
    if (scaled && !tensor.type.ternary) throw unsupported(tensor.name, 'is not ternary but has a scale')
    return this.#make(tensor, scaled ? this.#gain1(`${name}.scale`) : 1)
  }

  nothingLeft(): void {
    const [name] = this.#left
    if (name === undefined) return
    const bias = name.endsWith('.bias') ? ': biases are not run' : ''
    throw unsupported(name, `has no place in this architecture as it is run here${bias}`)
  }

  #gain1(name: string): number {
    const tensor = this.#take(name, 1, 1)
    if (tensor.type.blockWeights > 1) throw unsupported(name, 'must be F32, F16 or BF16')
    return readFloats(tensor)[0]!
  }

  #take(name: string, rows: number, columns: number): GgufTensor {
    const tensor = this.#gguf.tensors.get(name)
    if (tensor === undefined) {
      throw new EngineError('GGUF_INVALID', `tensor ${JSON.stringify(name)} is missing`)
    }
    if (tensor.rows !== rows || tensor.columns !== columns) {
      throw new EngineError(
        'GGUF_INVALID',
        `tensor ${JSON.stringify(name)} has ${tensor.rows} rows of ${tensor.columns}; ${rows} of ${columns} are expected`,
      )
    }
    this.#left.delete(name)
    return tensor
  }
}

/** The error of a tensor with scales in its blocks and a `.scale` besides. */
export function scaledTwice(name: string): EngineError {
  return unsupported(name, 'has scales of its blocks and a `.scale` besides')
}

function notAboveZero(name: string): EngineError {
  return new EngineError('GGUF_INVALID', `tensor ${JSON.stringify(name)} should hold numbers above 0`)
}

function unsupported(name: string, why: string): EngineError {
  return new EngineError('GGUF_UNSUPPORTED', `tensor ${JSON.stringify(name)} ${why}`)
}
