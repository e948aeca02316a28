import { writeGguf } from './gguf-writer.ts'
import { packTernary, TERNARY_LAYOUT, type TernaryType } from './pack-ternary.ts'
import { Random } from './random.ts'

export interface Probe {
  readonly bytes: Uint8Array<ArrayBuffer>
  /** Integer products Σ weight · activation that each token's logits must show [tokens][rows]. */
  readonly sums: readonly (readonly number[])[]
  /** A logit of `token` divided by this is the integer product. */
  unit(token: number): number
}

const EPSILON = 1e-5
const F32 = 0
const F16 = 1
/** A power of two: exact in binary16 and in every float that follows. */
const SCALE = 0.125
const SCALE_HALF = 0x3000
const HEAD_DIM = 16
const ROWS = 64

/**
 * A model whose logits show the engine's integer products: its one layer adds nothing (all weights 0), its embedding rows
 * are k / 128 with −127 ≤ k ≤ 127 and the largest 127, so that after the norm they quantise to exactly k, whatever the last
 * bits of the norm; its head is ternary. What an engine gets wrong in a product is off by whole units.
 */
export function probeGguf(type: TernaryType, seed: number): Probe {
  const random = new Random(seed)
  const { id, block } = TERNARY_LAYOUT[type]
  const columns = Math.max(256, 3 * block)
  const activations = Array.from({ length: ROWS }, () => {
    const k = Int8Array.from({ length: columns }, () => random.integer(255) - 127)
    k[random.integer(columns)] = random.integer(2) === 0 ? 127 : -127
    return k
  })
  const head = Int8Array.from({ length: ROWS * columns }, () => random.integer(3) - 1)
  // The largest sums there are.
  activations[0]!.fill(127)
  head.fill(1, 0, columns)
  head.fill(-1, columns, 2 * columns)

  const ternary = (name: string, shape: readonly [columns: number, rows: number], weights: Int8Array) => {
    const scales = Array.from({ length: weights.length / block }, () => SCALE_HALF)
    const bytes = packTernary(type, weights, type === 'I2_S' ? [SCALE] : scales)
    return { name, shape, type: id, bytes }
  }
  const zero = (name: string, rows: number, width: number) =>
    ternary(`blk.0.${name}.weight`, [width, rows], new Int8Array(rows * width))
  const ones = (name: string, size: number) => ({
    name: `${name}.weight`,
    shape: [size],
    type: F32,
    bytes: new Uint8Array(new Float32Array(size).fill(1).buffer),
  })
  const u32 = (value: number) => ({ type: 'u32', value }) as const
  const bytes = writeGguf(
    {
      'general.architecture': { type: 'text', value: 'bitnet' },
      'bitnet.block_count': u32(1),
      'bitnet.context_length': u32(64),
      'bitnet.embedding_length': u32(columns),
      'bitnet.feed_forward_length': u32(columns),
      'bitnet.attention.head_count': u32(columns / HEAD_DIM),
      'bitnet.attention.head_count_kv': u32(1),
      'bitnet.attention.layer_norm_rms_epsilon': { type: 'f32', value: EPSILON },
      'bitnet.attention.key_length': u32(HEAD_DIM),
      'bitnet.attention.value_length': u32(HEAD_DIM),
    },
    [
      {
        name: 'token_embd.weight',
        shape: [columns, ROWS],
        type: F16,
        bytes: new Uint8Array(Uint16Array.from(activations.flatMap((k) => [...k].map(half128th))).buffer),
      },
      ones('blk.0.attn_norm', columns),
      zero('attn_q', columns, columns),
      zero('attn_k', HEAD_DIM, columns),
      zero('attn_v', HEAD_DIM, columns),
      ones('blk.0.attn_sub_norm', columns),
      zero('attn_output', columns, columns),
      ones('blk.0.ffn_norm', columns),
      zero('ffn_gate', columns, columns),
      zero('ffn_up', columns, columns),
      ones('blk.0.ffn_sub_norm', columns),
      zero('ffn_down', columns, columns),
      ones('output_norm', columns),
      ternary('output.weight', [columns, ROWS], head),
    ],
  )
  return {
    bytes,
    sums: activations.map((k) =>
      Array.from({ length: ROWS }, (_, row) =>
        k.reduce((sum, value, column) => sum + value * head[row * columns + column]!, 0),
      ),
    ),
    unit(token) {
      const k = activations[token]!
      const meanSquare = k.reduce((sum, value) => sum + (value / 128) ** 2, 0) / columns
      return SCALE / 128 / Math.sqrt(meanSquare + EPSILON)
    },
  }
}

/** The binary16 bits of k / 128, |k| ≤ 127: exact. */
function half128th(k: number): number {
  if (k === 0) return 0
  const exponent = Math.floor(Math.log2(Math.abs(k)))
  const fraction = (Math.abs(k) / 2 ** exponent - 1) * 1024
  return (k < 0 ? 0x8000 : 0) | ((exponent - 7 + 15) << 10) | fraction
}
