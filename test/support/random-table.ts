import { halfBits } from './half-bits.ts'
import type { Random } from './random.ts'

/** What embeddings and heads come in, besides ternary types. */
export type TableType = 'F32' | 'F16' | 'BF16' | 'Q4_0' | 'Q8_0' | 'Q6_K'

export const TABLE_TYPES: readonly TableType[] = ['F32', 'F16', 'BF16', 'Q4_0', 'Q8_0', 'Q6_K']

/** The type's number in a GGUF file, and how many weights share a block. */
export const TABLE_LAYOUT: Readonly<Record<TableType, { readonly id: number; readonly block: number }>> = {
  F32: { id: 0, block: 1 },
  F16: { id: 1, block: 1 },
  Q4_0: { id: 2, block: 32 },
  Q8_0: { id: 8, block: 32 },
  Q6_K: { id: 14, block: 256 },
  BF16: { id: 30, block: 1 },
}

/** Blocks of random bytes: where the block's own scale stands, and the deviation of what that is multiplied with. */
export const RANDOM_BLOCK = {
  Q4_0: { bytes: 18, scaleAt: 0, codeDeviation: 4.6 },
  Q8_0: { bytes: 34, scaleAt: 0, codeDeviation: 74 },
  Q6_K: { bytes: 210, scaleAt: 208, codeDeviation: 18.5 * 74 },
} as const

/** Bytes of a table with `count` random values; their standard deviation is `deviation`, give or take a factor of 1.5. */
export function randomTable(type: TableType, count: number, random: Random, deviation = 3 / 16): Uint8Array {
  if (type === 'Q4_0' || type === 'Q8_0' || type === 'Q6_K') {
    const { bytes, scaleAt, codeDeviation } = RANDOM_BLOCK[type]
    return blocks(count / TABLE_LAYOUT[type].block, bytes, scaleAt, deviation / codeDeviation, random)
  }
  // Where the deviation is a power of two times 3, these are exact in all three types.
  const draw = () => (Math.max(-256, Math.min(256, Math.round(random.normal() * 12))) / 12) * deviation
  if (type === 'F16') {
    return new Uint8Array(Uint16Array.from({ length: count }, () => halfBits(draw())).buffer)
  }
  const floats = Float32Array.from({ length: count }, draw)
  if (type === 'F32') return new Uint8Array(floats.buffer)
  const words = new Uint32Array(floats.buffer)
  return new Uint8Array(Uint16Array.from(words, (word) => word >>> 16).buffer)
}

/** Blocks of random codes (and inner scales: any byte is legal), with the block's own scale near `scale`. */
function blocks(count: number, size: number, scaleAt: number, scale: number, random: Random): Uint8Array {
  const out = Uint8Array.from({ length: count * size }, () => random.integer(256))
  for (let b = 0; b < count; b++) {
    const half = halfBits(scale * (0.75 + random.integer(3) / 4))
    out.set([half & 255, half >> 8], b * size + scaleAt)
  }
  return out
}
