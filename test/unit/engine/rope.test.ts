import { describe, expect, it } from 'vitest'
import { rotationOf } from '../../../shared/engine/rope.ts'

const WIDTH = 64
const plain = rotationOf({ base: 10_000, scale: 1, yarn: null }, WIDTH, null)

describe('rotationOf', () => {
  it('turns the first pair by one a position, later ones ever slower', () => {
    expect(plain.frequencies).toHaveLength(WIDTH / 2)
    expect(plain.frequencies[0]).toBe(1)
    expect(plain.frequencies[31]).toBeCloseTo(10_000 ** (-62 / 64), 12)
    expect(plain.magnitude).toBe(1)
  })

  it('divides all by a linear scale, each by its factor', () => {
    const linear = rotationOf({ base: 10_000, scale: 4, yarn: null }, WIDTH, null)
    expect(linear.frequencies).toEqual(plain.frequencies.map((frequency) => frequency / 4))
    const factors = Float32Array.from({ length: 32 }, (_, i) => 1 + i)
    const slowed = rotationOf({ base: 10_000, scale: 1, yarn: null }, WIDTH, factors)
    expect(slowed.frequencies).toEqual(plain.frequencies.map((frequency, i) => frequency / (1 + i)))
  })

  it('YaRN keeps fast pairs, slows slow ones, blends between, and turns up the magnitude', () => {
    const yarn = { originalContext: 4096, fast: 32, slow: 1 }
    const { frequencies, magnitude } = rotationOf({ base: 10_000, scale: 4, yarn }, WIDTH, null)
    const shares = frequencies.map((frequency, i) => frequency / plain.frequencies[i]!)
    expect(shares.slice(0, 10).every((share) => share === 1)).toBe(true)
    expect(shares.slice(-8).every((share) => share === 0.25)).toBe(true)
    expect([...shares]).toEqual([...shares].sort((a, b) => b - a))
    expect(new Set(shares).size).toBeGreaterThan(5)
    expect(magnitude).toBeCloseTo(1.138_629, 6)
  })
})
