import { halfBits, halfValue } from './half-bits.ts'

const WEIGHTS = 256
const SHARE = 16

/** Rounds floats to Q6_K: of each 16, the scale near their largest magnitude that leaves the least squared error. */
export function packQ6K(values: Float32Array): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array((values.length / WEIGHTS) * 210)
  for (let at = 0, to = 0; at < values.length; at += WEIGHTS, to += 210) {
    out.set(packBlock(values.subarray(at, at + WEIGHTS)), to)
  }
  return out
}

function packBlock(values: Float32Array): Uint8Array {
  const block = new Uint8Array(210)
  const shares = Array.from({ length: 16 }, (_, i) => values.subarray(i * SHARE, (i + 1) * SHARE))
  const wanted = shares.map(bestScale)
  const largest = wanted.reduce((a, b) => Math.max(a, Math.abs(b)), 0)
  if (largest === 0) return block.fill(0xaa, 128, 192) // 32 is zero
  const bits = halfBits(largest / 127)
  block.set([bits & 255, bits >> 8], 208)
  const codes = new Uint8Array(WEIGHTS)
  for (const [i, share] of shares.entries()) {
    const factor = Math.round(wanted[i]! / halfValue(bits))
    block[192 + i] = factor
    for (const [j, value] of share.entries())
      codes[i * SHARE + j] = code(value, factor * halfValue(bits)) + 32
  }
  for (const [i, value] of codes.entries()) {
    const [side, quarter, l] = [i >> 7, (i >> 5) & 3, i & 31]
    block[side * 64 + (quarter & 1) * 32 + l]! |= (value & 15) << (quarter >= 2 ? 4 : 0)
    block[128 + side * 32 + l]! |= (value >> 4) << (2 * quarter)
  }
  return block
}

const code = (value: number, scale: number) =>
  scale === 0 ? 0 : Math.max(-32, Math.min(31, Math.round(value / scale)))

function bestScale(share: Float32Array): number {
  // The value of largest magnitude, whose sign the scale takes: −32 is one step farther than 31.
  const extreme = share.reduce((a, b) => (Math.abs(b) > Math.abs(a) ? b : a), 0)
  let [best, least] = [0, Number.POSITIVE_INFINITY]
  for (let steps = 28; steps <= 36; steps += 0.25) {
    const scale = -extreme / steps
    const error = share.reduce((sum, value) => sum + (value - code(value, scale) * scale) ** 2, 0)
    if (error < least) [best, least] = [scale, error]
  }
  return best
}
