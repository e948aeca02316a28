import { halfToNumber } from '../../shared/engine/float16.ts'
import { type Metadata, type TensorData, writeGguf } from './gguf-writer.ts'
import { halfBits } from './half-bits.ts'
import { packTernary, TERNARY_LAYOUT, type TernaryType } from './pack-ternary.ts'
import { Random } from './random.ts'
import { randomTable, TABLE_LAYOUT, type TableType } from './random-table.ts'
import { vocabulary } from './vocabulary.ts'

export interface RandomModel {
  readonly seed?: number
  readonly architecture?: 'bitnet' | 'bitnet-b1.58' | 'qwen3' | 'llama'
  /** Type of all matrices but the embedding and the head. */
  readonly type?: TernaryType | TableType
  /** 'tensor': one scale per tensor, as trained models have; 'block': another for every block (not for I2_S). */
  readonly scales?: 'tensor' | 'block'
  readonly layers?: number
  /** Multiple of the type's block, as are `feedForward` and heads × headDim. */
  readonly embedding?: number
  readonly feedForward?: number
  readonly heads?: number
  readonly kvHeads?: number
  readonly headDim?: number
  /** At least 258: 256 byte tokens, then multi-byte pieces, then `<|end|>` as the last. */
  readonly vocabSize?: number
  readonly contextLength?: number
  /** Type of the embedding. */
  readonly table?: TableType | TernaryType
  /** Type of a head of its own; absent: the embedding is the head. */
  readonly head?: TableType | TernaryType
  /** Q2_0 with a weight of 2 here and there. */
  readonly twos?: boolean
  /** How much the layers say, as against the embedding: a factor on the matrices that add to the residual stream. */
  readonly residual?: number
  /** The same model with its ternary matrices written as F32. */
  readonly asFloats?: boolean
  readonly ropeScaling?:
    | { readonly type: 'linear'; readonly factor: number }
    | { readonly type: 'yarn'; readonly factor: number; readonly originalContext: number }
  /** llama alone: the tensor `rope_freqs`, as llama3's rotary scaling has it. */
  readonly ropeFactors?: boolean
  /** Metadata besides. */
  readonly extra?: Readonly<Record<string, Metadata>>
}

const F32 = 0

/**
 * A GGUF file of a model with random weights: same options, same bytes. Its logits have a standard deviation of a few
 * units, so greedy and sampled texts vary and argmax gaps are wide; it says nothing sensible.
 */
export function randomGguf(model: RandomModel = {}): Uint8Array<ArrayBuffer> {
  const {
    seed = 1,
    architecture = 'bitnet',
    type = 'TQ2_0',
    scales = 'tensor',
    layers = 2,
    embedding = 256,
    feedForward = 512,
    heads = 4,
    kvHeads = 2,
    headDim = 64,
    vocabSize = 320,
    contextLength = 256,
    table = 'F16',
    head,
    twos = false,
    residual = 1,
    asFloats = false,
    ropeScaling,
    ropeFactors = false,
    extra,
  } = model
  const random = new Random(seed)
  const tensors: TensorData[] = []

  const floats = (name: string, shape: number[], draw: () => number) => {
    const values = Float32Array.from({ length: shape.reduce((a, b) => a * b) }, draw)
    tensors.push({ name, shape, type: F32, bytes: new Uint8Array(values.buffer) })
  }
  const gain = (name: string, size: number) => floats(name, [size], () => 1 + 0.2 * random.normal())
  const tokens = (name: string, of: TableType | TernaryType) => {
    if (isTernary(of)) ternary(name, vocabSize, embedding, of, 3)
    else values(name, vocabSize, embedding, of)
  }
  const values = (name: string, rows: number, columns: number, of: TableType, deviation?: number) => {
    const { id, block } = TABLE_LAYOUT[of]
    if (columns % block !== 0) throw new Error(`${name}: rows of ${columns} weights, ${of} takes ${block}`)
    const bytes = randomTable(of, rows * columns, random, deviation)
    tensors.push({ name, shape: [columns, rows], type: id, bytes })
  }
  const ternary = (name: string, rows: number, columns: number, of: TernaryType, gain: number) => {
    const { id, block } = TERNARY_LAYOUT[of]
    if (columns % block !== 0) throw new Error(`${name}: rows of ${columns} weights, ${of} takes ${block}`)
    const draw = () => (twos && random.integer(16) === 0 ? 2 : random.integer(3) - 1)
    const weights = Int8Array.from({ length: rows * columns }, draw)
    const scale = () => ((1 + random.integer(3) / 4) / Math.sqrt(columns)) * gain
    const one = scale()
    const all = Array.from({ length: weights.length / block }, () => (scales === 'block' ? scale() : one))
    const halves = all.map(halfBits)
    if (asFloats) {
      const scaleOf = (i: number) => (of === 'I2_S' ? one : halfToNumber(halves[Math.floor(i / block)]!))
      const values = Float32Array.from(weights, (weight, i) => weight * scaleOf(i))
      tensors.push({ name, shape: [columns, rows], type: F32, bytes: new Uint8Array(values.buffer) })
    } else {
      const bytes = packTernary(of, weights, of === 'I2_S' ? [one] : halves)
      tensors.push({ name, shape: [columns, rows], type: id, bytes })
    }
  }
  const matrix = (name: string, rows: number, columns: number, gain = 1) => {
    if (isTernary(type)) ternary(name, rows, columns, type, gain)
    else values(name, rows, columns, type, gain / Math.sqrt(columns))
  }

  const subNorms = architecture.startsWith('bitnet')
  tokens('token_embd.weight', table)
  for (let i = 0; i < layers; i++) {
    const name = (part: string) => `blk.${i}.${part}.weight`
    gain(name('attn_norm'), embedding)
    matrix(name('attn_q'), heads * headDim, embedding)
    matrix(name('attn_k'), kvHeads * headDim, embedding)
    matrix(name('attn_v'), kvHeads * headDim, embedding)
    if (architecture === 'qwen3') {
      gain(name('attn_q_norm'), headDim)
      gain(name('attn_k_norm'), headDim)
    }
    if (subNorms) gain(name('attn_sub_norm'), heads * headDim)
    matrix(name('attn_output'), embedding, heads * headDim, residual)
    gain(name('ffn_norm'), embedding)
    matrix(name('ffn_gate'), feedForward, embedding)
    matrix(name('ffn_up'), feedForward, embedding)
    if (subNorms) gain(name('ffn_sub_norm'), feedForward)
    matrix(name('ffn_down'), embedding, feedForward, residual)
  }
  gain('output_norm.weight', embedding)
  if (head !== undefined) tokens('output.weight', head)

  if (ropeFactors) floats('rope_freqs.weight', [headDim / 2], () => 1 + 7 * random.uniform())

  const key = (name: string) => `${architecture}.${name}`
  const u32 = (value: number): Metadata => ({ type: 'u32', value })
  return writeGguf(
    {
      'general.architecture': { type: 'text', value: architecture },
      'general.name': { type: 'text', value: `random ${architecture} ${type} ${seed}` },
      [key('block_count')]: u32(layers),
      [key('context_length')]: u32(contextLength),
      [key('embedding_length')]: u32(embedding),
      [key('feed_forward_length')]: u32(feedForward),
      [key('attention.head_count')]: u32(heads),
      [key('attention.head_count_kv')]: u32(kvHeads),
      [key('attention.key_length')]: u32(headDim),
      [key('attention.value_length')]: u32(headDim),
      [key('attention.layer_norm_rms_epsilon')]: { type: 'f32', value: 1e-5 },
      [key('rope.freq_base')]: { type: 'f32', value: 10_000 },
      [key('rope.dimension_count')]: u32(headDim),
      ...(ropeScaling && {
        [key('rope.scaling.type')]: { type: 'text', value: ropeScaling.type },
        [key('rope.scaling.factor')]: { type: 'f32', value: ropeScaling.factor },
      }),
      ...(ropeScaling?.type === 'yarn' && {
        [key('rope.scaling.original_context_length')]: u32(ropeScaling.originalContext),
      }),
      [key('vocab_size')]: u32(vocabSize),
      ...extra,
      'tokenizer.ggml.model': { type: 'text', value: 'gpt2' },
      'tokenizer.ggml.tokens': { type: 'texts', value: vocabulary(vocabSize) },
      'tokenizer.ggml.token_type': {
        type: 'i32s',
        value: Array.from({ length: vocabSize }, (_, id) => (id === vocabSize - 1 ? 3 : 1)),
      },
      // llama.cpp wants some.
      ...(!subNorms && { 'tokenizer.ggml.merges': { type: 'texts', value: ['a a'] } as const }),
      'tokenizer.ggml.eos_token_id': u32(vocabSize - 1),
    },
    tensors,
  )
}

const isTernary = (type: TableType | TernaryType): type is TernaryType => type in TERNARY_LAYOUT
