import { type Metadata, type TensorData, writeGguf } from '../support/gguf-writer.ts'
import { packTernary, TERNARY_LAYOUT, type TernaryType } from '../support/pack-ternary.ts'
import { Random } from '../support/random.ts'
import { randomTable, TABLE_LAYOUT, type TableType } from '../support/random-table.ts'

/** The smallest well-formed models of each kind, a few kB each: where fuzzing starts. */
export function seeds(): ReadonlyMap<string, Uint8Array> {
  return new Map([
    ['f32', tinyModel({ width: 16, heads: 1, dense: 0 })],
    ['f16', tinyModel({ width: 16, heads: 1, dense: 1 })],
    ['bf16', tinyModel({ width: 16, heads: 1, dense: 30, ownHead: true })],
    ['q2_0', tinyModel({ width: 64, heads: 4, ternary: 'Q2_0', scales: 1 })],
    ['q2_0-blocks', tinyModel({ width: 128, heads: 8, ternary: 'Q2_0', scales: 2 })],
    ['q2_0-of-128', tinyModel({ width: 128, heads: 8, ternary: 'Q2_0 of 128', scales: 2 })],
    ['q4_0', tinyModel({ width: 64, heads: 4, ternary: 'Q2_0', table: 'Q4_0' })],
    ['q8_0', tinyModel({ width: 64, heads: 4, ternary: 'Q2_0', table: 'Q8_0' })],
    ['q6_k', tinyModel({ width: 256, heads: 16, ternary: 'Q2_0', table: 'Q6_K', kvHeads: 1 })],
    ['i2_s', tinyModel({ width: 128, heads: 8, ternary: 'I2_S', scales: 1, architecture: 'bitnet-b1.58' })],
    ['qwen3', tinyModel({ width: 64, heads: 4, ternary: 'Q2_0', scales: 2, architecture: 'qwen3' })],
    ['llama', tinyModel({ width: 64, heads: 4, ternary: 'Q2_0', architecture: 'llama' })],
    ['tq2_0', tinyModel({ width: 256, heads: 16, ternary: 'TQ2_0', scales: 1, kvHeads: 1 })],
    ['tq1_0', tinyModel({ width: 256, heads: 16, ternary: 'TQ1_0', scales: 1, kvHeads: 1 })],
  ])
}

interface Tiny {
  readonly width: number
  readonly heads: number
  readonly kvHeads?: number
  readonly architecture?: string
  readonly ternary?: TernaryType
  /** 1: one scale; 2: two that alternate. */
  readonly scales?: number
  /** Type of the matrices when they are not ternary. */
  readonly dense?: number
  /** Type of the embedding, where it is not a float. */
  readonly table?: TableType
  readonly ownHead?: boolean
}

const HALVES = [0x3800, 0x3400] // 0.5, 0.25
const BYTES: Readonly<Record<number, number>> = { 0: 4, 1: 2, 30: 2 }

function tinyModel(tiny: Tiny): Uint8Array {
  const { width, heads, kvHeads = heads, architecture = 'bitnet', ternary, scales = 1, dense = 0 } = tiny
  const headDim = 16
  const subNorms = architecture.startsWith('bitnet')
  const vocab = 6
  const random = new Random(width)
  const tensors: TensorData[] = []
  const floats = (name: string, shape: number[], type: number) => {
    const count = shape.reduce((a, b) => a * b)
    const bytes = new Uint8Array(count * BYTES[type]!)
    // Values of 0.5 in each type: the top byte, and the next for bfloat16 and float32, are not zero.
    for (let i = 0; i < count; i++) {
      const end = (i + 1) * BYTES[type]! - 1
      bytes[end] = (type === 1 ? 0x38 : 0x3f) | (random.integer(2) << 7)
    }
    tensors.push({ name, shape, type, bytes })
  }
  const matrix = (name: string, rows: number, columns: number) => {
    if (ternary === undefined) {
      floats(name, [columns, rows], dense)
      return
    }
    const { id, block } = TERNARY_LAYOUT[ternary]
    const weights = Int8Array.from({ length: rows * columns }, () => random.integer(3) - 1)
    const one = (i: number) => (ternary === 'I2_S' ? 0.5 : HALVES[i % scales]!)
    const bytes = packTernary(
      ternary,
      weights,
      Array.from({ length: weights.length / block }, (_, i) => one(i)),
    )
    tensors.push({ name, shape: [columns, rows], type: id, bytes })
  }
  if (tiny.table === undefined) floats('token_embd.weight', [width, vocab], dense === 30 ? 30 : 1)
  else {
    const bytes = randomTable(tiny.table, width * vocab, random)
    tensors.push({
      name: 'token_embd.weight',
      shape: [width, vocab],
      type: TABLE_LAYOUT[tiny.table].id,
      bytes,
    })
  }
  floats('blk.0.attn_norm.weight', [width], 0)
  matrix('blk.0.attn_q.weight', heads * headDim, width)
  matrix('blk.0.attn_k.weight', kvHeads * headDim, width)
  matrix('blk.0.attn_v.weight', kvHeads * headDim, width)
  if (architecture === 'qwen3') {
    floats('blk.0.attn_q_norm.weight', [headDim], 0)
    floats('blk.0.attn_k_norm.weight', [headDim], 0)
  }
  if (subNorms) floats('blk.0.attn_sub_norm.weight', [heads * headDim], 0)
  matrix('blk.0.attn_output.weight', width, heads * headDim)
  floats('blk.0.ffn_norm.weight', [width], 0)
  matrix('blk.0.ffn_gate.weight', width, width)
  matrix('blk.0.ffn_up.weight', width, width)
  if (subNorms) floats('blk.0.ffn_sub_norm.weight', [width], 0)
  matrix('blk.0.ffn_down.weight', width, width)
  floats('output_norm.weight', [width], 0)
  if (tiny.ownHead) matrix('output.weight', vocab, width)
  if (architecture === 'llama') {
    tensors.push({
      ...{ name: 'rope_freqs.weight', shape: [headDim / 2], type: 0 },
      bytes: new Uint8Array(new Float32Array(headDim / 2).fill(2).buffer),
    })
  }

  const u32 = (value: number): Metadata => ({ type: 'u32', value })
  const key = (name: string) => `${architecture}.${name}`
  return writeGguf(
    {
      'general.architecture': { type: 'text', value: architecture },
      'general.alignment': u32(32),
      [key('block_count')]: u32(1),
      [key('context_length')]: u32(80),
      [key('embedding_length')]: u32(width),
      [key('feed_forward_length')]: u32(width),
      [key('attention.head_count')]: u32(heads),
      [key('attention.head_count_kv')]: u32(kvHeads),
      [key('attention.layer_norm_rms_epsilon')]: { type: 'f32', value: 1e-5 },
      [key('rope.freq_base')]: { type: 'f32', value: 1e4 },
      [key('rope.scaling.type')]: { type: 'text', value: architecture === 'qwen3' ? 'yarn' : 'linear' },
      [key('rope.scaling.factor')]: { type: 'f32', value: architecture === 'qwen3' ? 2 : 1 },
      'tokenizer.ggml.model': { type: 'text', value: 'gpt2' },
      'tokenizer.ggml.tokens': { type: 'texts', value: ['a', 'Ġb', 'é', '中', '<|end|>', ''] },
      'tokenizer.ggml.token_type': { type: 'i32s', value: [1, 1, 1, 6, 3, 1] },
      'tokenizer.ggml.eos_token_id': u32(4),
    },
    tensors,
  )
}
