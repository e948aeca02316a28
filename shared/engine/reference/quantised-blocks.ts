import { halfToNumber } from '../float16.ts'
import type { GgufTensor } from '../gguf.ts'

/**
 * Writes one block's values to `out`. Layouts: llama.cpp's ggml-quants.c. Every value is an integer times a scale and exact
 * in float32: 11 bits of d, 7 of Q6_K's inner scale, at most 7 of the code.
 */
type Dequantise = (block: Uint8Array, out: Float32Array) => void

const halfAt = (block: Uint8Array, at: number) => halfToNumber(block[at]! | (block[at + 1]! << 8))
const signed = (byte: number) => (byte << 24) >> 24

/** The scale, then 32 bytes. */
const q8: Dequantise = (block, out) => {
  const scale = halfAt(block, 0)
  for (let i = 0; i < 32; i++) out[i] = signed(block[2 + i]!) * scale
}

/** The scale, then 16 bytes: weights 0–15 in their low halves, 16–31 in their high ones; 8 is zero. */
const q4: Dequantise = (block, out) => {
  const scale = halfAt(block, 0)
  for (let i = 0; i < 32; i++) out[i] = (((block[2 + (i & 15)]! >> (i & 16 ? 4 : 0)) & 15) - 8) * scale
}

/**
 * 128 bytes of low halves, 64 of upper bit pairs, 16 signed scales (one for 16 weights), then the scale of them all. Each
 * half of 128 weights takes 64 and 32 bytes, in four quarters of 32 weights; 32 is zero.
 */
const q6: Dequantise = (block, out) => {
  const scale = halfAt(block, 208)
  for (let i = 0; i < 256; i++) {
    const [half, quarter, l] = [i >> 7, (i >> 5) & 3, i & 31]
    const low = (block[half * 64 + (quarter & 1) * 32 + l]! >> (quarter & 2 ? 4 : 0)) & 15
    const high = (block[128 + half * 32 + l]! >> (2 * quarter)) & 3
    out[i] = ((low | (high << 4)) - 32) * (scale * signed(block[192 + (i >> 4)]!))
  }
}

const DEQUANTISE: Readonly<Record<string, Dequantise>> = { Q4_0: q4, Q8_0: q8, Q6_K: q6 }

/** All values of a Q4_0, Q8_0 or Q6_K tensor, row-major; values are not finite where a scale is not. */
export function dequantise({ type, rows, columns, data }: GgufTensor): Float32Array {
  const one = DEQUANTISE[type.name]!
  const { blockWeights, blockBytes } = type
  const out = new Float32Array(rows * columns)
  for (let at = 0, from = 0; at < out.length; at += blockWeights, from += blockBytes) {
    one(data.subarray(from, from + blockBytes), out.subarray(at, at + blockWeights))
  }
  return out
}
