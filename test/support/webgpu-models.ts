import { writeGguf } from './gguf-writer.ts'
import { Random } from './random.ts'

export type FloatType = 'F32' | 'F16' | 'BF16'

const IDS: Readonly<Record<FloatType, number>> = { F32: 0, F16: 1, BF16: 30 }

/**
 * A model without a ternary weight, whose widths are no multiples of anything: what a row of floats must be padded for. All
 * values are exact in each of the types, so that the three files say the same.
 */
export function denseGguf(type: FloatType, seed: number): Uint8Array<ArrayBuffer> {
  const random = new Random(seed)
  const [embedding, feedForward, heads, headDim, vocabulary] = [44, 70, 2, 22, 61]
  const floats = (name: string, shape: number[], ofType: FloatType, draw: () => number) => ({
    name: `${name}.weight`,
    shape,
    type: IDS[ofType],
    bytes: pack(ofType, Float32Array.from({ length: shape.reduce((a, b) => a * b) }, draw)),
  })
  const matrix = (name: string, rows: number, columns: number) =>
    floats(name, [columns, rows], type, () => (random.integer(33) - 16) / 64)
  const gain = (name: string, size: number) => floats(name, [size], 'F32', () => 1 + random.integer(9) / 16)
  const u32 = (value: number) => ({ type: 'u32', value }) as const
  return writeGguf(
    {
      'general.architecture': { type: 'text', value: 'bitnet' },
      'bitnet.block_count': u32(1),
      'bitnet.context_length': u32(64),
      'bitnet.embedding_length': u32(embedding),
      'bitnet.feed_forward_length': u32(feedForward),
      'bitnet.attention.head_count': u32(heads),
      'bitnet.attention.head_count_kv': u32(heads),
      'bitnet.attention.key_length': u32(headDim),
      'bitnet.attention.value_length': u32(headDim),
    },
    [
      matrix('token_embd', vocabulary, embedding),
      gain('blk.0.attn_norm', embedding),
      ...['attn_q', 'attn_k', 'attn_v'].map((name) => matrix(`blk.0.${name}`, heads * headDim, embedding)),
      gain('blk.0.attn_sub_norm', heads * headDim),
      matrix('blk.0.attn_output', embedding, heads * headDim),
      gain('blk.0.ffn_norm', embedding),
      matrix('blk.0.ffn_gate', feedForward, embedding),
      matrix('blk.0.ffn_up', feedForward, embedding),
      gain('blk.0.ffn_sub_norm', feedForward),
      matrix('blk.0.ffn_down', embedding, feedForward),
      gain('output_norm', embedding),
    ],
  )
}

function pack(type: FloatType, values: Float32Array<ArrayBuffer>): Uint8Array {
  if (type === 'F32') return new Uint8Array(values.buffer)
  const bits = new Uint32Array(values.buffer)
  const halves = Uint16Array.from(bits, (word) => (type === 'BF16' ? word >>> 16 : halfOf(word)))
  return new Uint8Array(halves.buffer)
}

/** binary16 of a float32 that it holds exactly, 0 or normal. */
function halfOf(word: number): number {
  if ((word & 0x7fffffff) === 0) return 0
  return ((word >>> 16) & 0x8000) | ((((word >>> 23) & 0xff) - 112) << 10) | ((word >>> 13) & 0x3ff)
}
