import { describe, expect, it } from 'vitest'
import {
  choiceKey,
  gumbel,
  gumbelBound,
  gumbelOf,
  keyFromSeed,
  MOST_NOISE,
} from '../../../shared/verify/noise.ts'
import { threefry2x32 } from '../../../shared/verify/threefry.ts'

describe('keyFromSeed', () => {
  it.each([
    [0n, 0, 0],
    [1n, 1, 0],
    [-1n, 0xffff_ffff, 0xffff_ffff],
    [-2n, 0xffff_fffe, 0xffff_ffff],
    [0x1_0000_0000n, 0, 1],
    [2n ** 63n - 1n, 0xffff_ffff, 0x7fff_ffff],
    [-(2n ** 63n), 0, 0x8000_0000],
  ])('%s', (seed, lo, hi) => {
    expect(keyFromSeed(seed)).toEqual({ lo, hi })
  })
})

describe('choiceKey', () => {
  it('leaves choice 0 its seed and derives the others as threefry(s, (i, 2^32 − 1))', () => {
    const key = keyFromSeed(42n)
    expect(choiceKey(key, 0)).toEqual(key)
    const out = new Uint32Array(2)
    threefry2x32(42, 0, 3, 0xffff_ffff, out)
    expect(choiceKey(key, 3)).toEqual({ lo: out[0], hi: out[1] })
    expect(choiceKey(key, 1)).not.toEqual(choiceKey(key, 2))
  })
})

describe('gumbel', () => {
  const key = keyFromSeed(7n)

  it('is −ln(−ln w) of the first output word, counter (t, id)', () => {
    const out = new Uint32Array(2)
    threefry2x32(7, 0, 5, 99, out)
    expect(gumbel(key, 5, 99)).toBe(-Math.log(-Math.log((out[0]! + 0.5) / 2 ** 32)))
  })

  it('depends on key, t and id', () => {
    const values = [
      gumbel(key, 5, 99),
      gumbel(key, 99, 5),
      gumbel(key, 6, 99),
      gumbel(keyFromSeed(8n), 5, 99),
    ]
    expect(new Set(values).size).toBe(4)
  })

  it('has the mean and variance of the standard Gumbel distribution', () => {
    const draws = Array.from({ length: 100_000 }, (_, i) => gumbel(key, i % 317, i))
    const mean = draws.reduce((a, b) => a + b) / draws.length
    const variance = draws.reduce((sum, g) => sum + (g - mean) ** 2, 0) / draws.length
    // Euler's constant and π²/6; four standard errors of 100,000 draws.
    expect(Math.abs(mean - 0.5772156649)).toBeLessThan(4 * Math.sqrt(Math.PI ** 2 / 6 / 100_000))
    expect(Math.abs(variance - Math.PI ** 2 / 6)).toBeLessThan(0.05)
  })
})

describe('gumbelBound', () => {
  const words = [0, 1, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 2, 2 ** 32 - 1]
  for (let bit = 1; bit < 32; bit++) words.push((2 ** 32 - 2 ** bit) >>> 0, 2 ** 32 - 2 ** bit - 1)

  it.each(words)('of %i is no less than its noise, and at most ln 2 more where that is large', (word) => {
    const over = gumbelBound(word) - gumbelOf(word)
    expect(over).toBeGreaterThanOrEqual(0)
    if (word > 0xf000_0000) expect(over).toBeLessThan(Math.LN2 + 0.05)
    expect(gumbelOf(word)).toBeLessThan(MOST_NOISE)
  })
})
