import { roundToHalf } from '../float16.ts'
import type { KvCacheType } from '../kv-cache-type.ts'

/**
 * One head's keys or values at one position as a cache of this type returns them.
 * @param out written from `at` on; may be `head`'s own memory
 */
export function storeHead(type: KvCacheType, head: Float32Array, out: Float32Array, at: number): void {
  if (type === 'f16') for (let i = 0; i < head.length; i++) out[at + i] = roundToHalf(head[i]!)
  else storeInt8(head, out, at)
}

/** Codes = x / scale, rounded half to even, where scale = max |x| / 127 in f16: as the native engine does it, in float32. */
function storeInt8(head: Float32Array, out: Float32Array, at: number): void {
  let most = 0
  for (const value of head) most = Math.max(most, Math.abs(value) || 0)
  const scale = roundToHalf(Math.fround(most / 127))
  const inverse = scale > 0 ? Math.fround(1 / scale) : 0
  for (let i = 0; i < head.length; i++) {
    const scaled = Math.fround(head[i]! * inverse)
    // NaN, of a broken model, becomes 0.
    const bounded = Math.max(-127, Math.min(127, scaled || 0))
    // A code of 7 bits times a scale of 11 is exact.
    out[at + i] = roundHalfToEven(bounded) * scale
  }
}

function roundHalfToEven(value: number): number {
  const below = Math.floor(value)
  const over = value - below
  return over > 0.5 || (over === 0.5 && below % 2 !== 0) ? below + 1 : below
}
