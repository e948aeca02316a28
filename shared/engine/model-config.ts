import { type ActivationScales, ARCHITECTURES, type Architecture } from './architecture.ts'
import type { ModelInfo } from './engine.ts'
import { EngineError } from './engine-error.ts'
import type { Gguf } from './gguf.ts'
import { MetadataReader } from './metadata-reader.ts'
import { type Rope, readRope } from './rope.ts'

// Limits that no model of these architectures comes near; they bound what a header can make us allocate.
const MAX_LAYERS = 512
const MAX_WIDTH = 65_536
const MAX_HEADS = 1_024
const MAX_HEAD_DIM = 1_024
const MAX_CONTEXT = 1_048_576
const MAX_VOCABULARY = 1_048_576

export interface ModelConfig extends ModelInfo {
  readonly graph: Architecture
  /** Columns of activations that share a scale, 64, 128 or 256; 0: all of a token's. */
  readonly activationGroup: number
  readonly rmsEpsilon: number
  readonly rope: Rope
}

/**
 * Reads the sizes from a GGUF's metadata.
 * @param activationScales instead of the architecture's usual choice
 * @throws {EngineError} GGUF_INVALID, GGUF_UNSUPPORTED
 */
export function readModelConfig(gguf: Gguf, activationScales?: ActivationScales): ModelConfig {
  const read = new MetadataReader(gguf.metadata)
  const architecture = read.text('general.architecture')
  const graph = Object.hasOwn(ARCHITECTURES, architecture) ? ARCHITECTURES[architecture] : undefined
  if (graph === undefined) {
    throw unsupported(
      `architecture ${JSON.stringify(architecture)}; this engine runs ${Object.keys(ARCHITECTURES).join(', ')}`,
    )
  }
  const key = (name: string) => `${architecture}.${name}`
  for (const name of ['expert_count', 'attention.sliding_window']) {
    if (read.differs(key(name), 0)) throw unsupported(`metadata ${JSON.stringify(key(name))} is not run`)
  }
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
  const table = gguf.tensors.get('token_embd.weight')
  if (table === undefined) throw invalid('tensor "token_embd.weight" is missing')
  const vocabSize = table.rows
  if (vocabSize > MAX_VOCABULARY) throw invalid(`${vocabSize} tokens; at most ${MAX_VOCABULARY} are allowed`)
  let parameters = 0
  for (const { rows, columns } of gguf.tensors.values()) parameters += rows * columns
  const contextLength = read.integer(key('context_length'), 1, MAX_CONTEXT)
  return {
    name: read.text('general.name', architecture),
    architecture,
    layers,
    embedding,
    feedForward: read.integer(key('feed_forward_length'), 1, MAX_WIDTH),
    heads,
    kvHeads,
    headDim,
    vocabSize,
    contextLength,
    parameters,
    endTokens: readEndTokens(read, vocabSize),
    graph,
    activationGroup: (activationScales ?? graph.activationScales) === 'group' ? smallestGroup(gguf) : 0,
    rmsEpsilon: read.number(key('attention.layer_norm_rms_epsilon'), 1e-5),
    rope: readRope(read, key('rope.'), contextLength),
  }
}

/** What the world is told of a model. */
export function modelInfo(config: ModelConfig): ModelInfo {
  const { graph: _, activationGroup: _a, rmsEpsilon: _e, rope: _r, ...info } = config
  return info
}

/** Of the ternary weights: every other group is a multiple of it. 0 when nothing is ternary. */
function smallestGroup(gguf: Gguf): number {
  const groups = [...gguf.tensors.values()]
    .filter(({ type }) => type.ternary)
    .map(({ type }) => type.blockWeights)
  return groups.length === 0 ? 0 : Math.min(...groups)
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
