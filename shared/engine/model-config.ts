import type { ModelInfo } from './engine.ts'
import { EngineError } from './engine-error.ts'
import type { Gguf, GgufValue } from './gguf.ts'

/**
 * The two graphs that are run: `bitnet` gates its feed-forward with SiLU (1bitLLM, llama.cpp's name), `bitnet-b1.58` and
 * `bitnet-25` with the squared ReLU (BitNet b1.58 2B 4T, bitnet.cpp's names). Everything else is the same.
 */
export type Activation = 'silu' | 'squared-relu'

const ACTIVATIONS: Readonly<Record<string, Activation>> = {
  bitnet: 'silu',
  'bitnet-b1.58': 'squared-relu',
  'bitnet-25': 'squared-relu',
}

// Limits that no model of these architectures comes near; they bound what a header can make us allocate.
const MAX_LAYERS = 512
const MAX_WIDTH = 65_536
const MAX_HEADS = 1_024
const MAX_HEAD_DIM = 1_024
const MAX_CONTEXT = 1_048_576
const MAX_VOCABULARY = 1_048_576

export interface ModelConfig extends ModelInfo {
  readonly activation: Activation
  readonly rmsEpsilon: number
  readonly ropeBase: number
  /** Positions are divided by it. */
  readonly ropeScale: number
}

/** Reads the sizes from a GGUF's metadata. @throws {EngineError} GGUF_INVALID, GGUF_UNSUPPORTED */
export function readModelConfig(gguf: Gguf): ModelConfig {
  const read = new MetadataReader(gguf.metadata)
  const architecture = read.text('general.architecture')
  const activation = Object.hasOwn(ACTIVATIONS, architecture) ? ACTIVATIONS[architecture] : undefined
  if (activation === undefined) {
    throw unsupported(
      `architecture ${JSON.stringify(architecture)}; this engine runs ${Object.keys(ACTIVATIONS).join(', ')}`,
    )
  }
  const key = (name: string) => `${architecture}.${name}`
  const layers = read.integer(key('block_count'), 1, MAX_LAYERS)
  const embedding = read.integer(key('embedding_length'), 1, MAX_WIDTH)
  const heads = read.integer(key('attention.head_count'), 1, MAX_HEADS)
  const kvHeads = read.integer(key('attention.head_count_kv'), 1, MAX_HEADS, heads)
  if (heads % kvHeads !== 0) throw invalid(`${heads} query heads cannot share ${kvHeads} key heads evenly`)
  const headDim = read.integer(key('attention.key_length'), 2, MAX_HEAD_DIM, embedding / heads)
  const valueDim = read.integer(key('attention.value_length'), 2, MAX_HEAD_DIM, headDim)
  const ropeDim = read.integer(key('rope.dimension_count'), 2, MAX_HEAD_DIM, headDim)
  if (valueDim !== headDim || ropeDim !== headDim || headDim % 2 !== 0) {
    throw unsupported(
      `head width ${headDim} (keys), ${valueDim} (values), ${ropeDim} (rotated): one even width is run`,
    )
  }
  const scaling = read.text(key('rope.scaling.type'), 'none')
  if (scaling !== 'none' && scaling !== 'linear') {
    throw unsupported(`rotary scaling ${JSON.stringify(scaling)}; none and linear are run`)
  }
  const table = gguf.tensors.get('token_embd.weight')
  if (table === undefined) throw invalid('tensor "token_embd.weight" is missing')
  const vocabSize = table.rows
  if (vocabSize > MAX_VOCABULARY) throw invalid(`${vocabSize} tokens; at most ${MAX_VOCABULARY} are allowed`)
  let parameters = 0
  for (const { rows, columns } of gguf.tensors.values()) parameters += rows * columns
  return {
    name: read.text('general.name', architecture),
    architecture,
    activation,
    layers,
    embedding,
    feedForward: read.integer(key('feed_forward_length'), 1, MAX_WIDTH),
    heads,
    kvHeads,
    headDim,
    vocabSize,
    contextLength: read.integer(key('context_length'), 1, MAX_CONTEXT),
    parameters,
    endTokens: readEndTokens(read, vocabSize),
    rmsEpsilon: read.number(key('attention.layer_norm_rms_epsilon'), 1e-5),
    ropeBase: read.number(key('rope.freq_base'), 10_000),
    ropeScale: scaling === 'linear' ? read.number(key('rope.scaling.factor'), 1) : 1,
  }
}

/** End of text, of turn and of message, each once, rising. */
function readEndTokens(read: MetadataReader, vocabSize: number): number[] {
  const ids = ['eos', 'eot', 'eom']
    .map((name) => `tokenizer.ggml.${name}_token_id`)
    .filter((name) => read.has(name))
    .map((name) => read.integer(name, 0, vocabSize - 1))
  return [...new Set(ids)].sort((a, b) => a - b)
}

function invalid(message: string): EngineError {
  return new EngineError('GGUF_INVALID', message)
}

function unsupported(message: string): EngineError {
  return new EngineError('GGUF_UNSUPPORTED', message)
}

class MetadataReader {
  readonly #metadata: ReadonlyMap<string, GgufValue>

  constructor(metadata: ReadonlyMap<string, GgufValue>) {
    this.#metadata = metadata
  }

  has(key: string): boolean {
    return this.#metadata.has(key)
  }

  text(key: string, fallback?: string): string {
    const value = this.#metadata.get(key) ?? fallback
    if (typeof value !== 'string')
      throw invalid(`metadata ${JSON.stringify(key)} should be a string, not ${describe(value)}`)
    return value
  }

  integer(key: string, least: number, most: number, fallback?: number): number {
    const value = this.#metadata.get(key) ?? fallback
    if (typeof value !== 'number' || !Number.isInteger(value) || value < least || value > most) {
      throw invalid(
        `metadata ${JSON.stringify(key)} should be a whole number from ${least} to ${most}, not ${describe(value)}`,
      )
    }
    return value
  }

  number(key: string, fallback?: number): number {
    const value = this.#metadata.get(key) ?? fallback
    if (typeof value !== 'number' || !(value > 0) || !Number.isFinite(value)) {
      throw invalid(`metadata ${JSON.stringify(key)} should be a number above 0, not ${describe(value)}`)
    }
    return value
  }
}

function describe(value: GgufValue | undefined): string {
  if (value === undefined) return 'missing'
  return Array.isArray(value) ? `an array of ${value.length}` : String(value).slice(0, 80)
}
