import { describe, expect, it } from 'vitest'
import { halfToNumber, roundToHalf } from '../../../shared/engine/float16.ts'
import { Random } from '../../support/random.ts'

describe('roundToHalf', () => {
  it('rounds every float32 as the language does', () => {
    const random = new Random(1)
    const float = new Float32Array(1)
    const bits = new Uint32Array(float.buffer)
    for (let i = 0; i < 200_000; i++) {
      bits[0] = random.word()
      // Half of them near the range that binary16 can hold.
      if (i % 2 === 0) bits[0] = (bits[0]! & 0x8fff_ffff) | 0x3000_0000
      expect(Object.is(roundToHalf(float[0]!), Math.f16round(float[0]!)), `${float[0]}`).toBe(true)
    }
  })

  it.each([
    0,
    -0,
    1,
    65504,
    65519.996,
    65520,
    -65520,
    2 ** -24,
    2 ** -25,
    3 * 2 ** -25,
    2 ** -14,
    Infinity,
    NaN,
  ])('%s', (value) => {
    expect(roundToHalf(value)).toBe(Math.f16round(value))
  })
})

describe('halfToNumber', () => {
  it('reads every binary16', () => {
    const half = new Float16Array(1)
    const bits = new Uint16Array(half.buffer)
    for (let i = 0; i < 65_536; i++) {
      bits[0] = i
      expect(Object.is(halfToNumber(i), half[0]), `bits ${i}`).toBe(true)
    }
  })
})
