import type { NoiseKey } from './settings.ts'
import { threefry2x32 } from './threefry.ts'

const scratch = new Uint32Array(2)

/** The API's seed as a key: int64 in two's complement, low word first. Seeds beyond 64 bits wrap. */
export function keyFromSeed(seed: bigint): NoiseKey {
  const bits = BigInt.asUintN(64, seed)
  return { lo: Number(bits & 0xffff_ffffn), hi: Number(bits >> 32n) }
}

/** Choice `i` of `n` under one seed: choice 0 is the seed's own key, the others are derived from it. */
export function choiceKey(key: NoiseKey, choice: number): NoiseKey {
  if (choice === 0) return key
  threefry2x32(key.lo, key.hi, choice, 0xffff_ffff, scratch)
  return { lo: scratch[0]!, hi: scratch[1]! }
}

/** No noise is larger: that of a word of ones is 22.8739. */
export const MOST_NOISE = 22.874

/** The random bits behind `gumbel`. */
export function noiseWord(key: NoiseKey, t: number, id: number): number {
  threefry2x32(key.lo, key.hi, t, id, scratch)
  return scratch[0]!
}

export function gumbelOf(word: number): number {
  const w = (word + 0.5) / 0x1_0000_0000
  return -Math.log(-Math.log(w))
}

/** An upper bound of a word's noise from its leading ones: −ln w ≥ 1 − w > 2^−(ones + 1). 1e-9 covers the logarithms' rounding. */
export function gumbelBound(word: number): number {
  return (Math.clz32(~word) + 1) * Math.LN2 + 1e-9
}

/**
 * Standard Gumbel noise for token `id` as the `t`-th generated token (from 0): the same number for everyone who holds the
 * key, whatever else was or was not drawn. Between −3.2 and 22.9, because w has 32 bits and is never 0 or 1.
 */
export function gumbel(key: NoiseKey, t: number, id: number): number {
  return gumbelOf(noiseWord(key, t, id))
}
