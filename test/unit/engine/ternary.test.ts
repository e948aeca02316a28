import { describe, expect, it } from 'vitest'
import { unpackTernary } from '../../../shared/engine/reference/ternary-blocks.ts'
import { quantise, quantiseGroups } from '../../../shared/engine/reference/ternary-matrix.ts'
import { Q2_0_OF_128, TENSOR_TYPES } from '../../../shared/engine/tensor-type.ts'
import { packTernary, TERNARY_LAYOUT, TERNARY_TYPES } from '../../support/pack-ternary.ts'
import { Random } from '../../support/random.ts'

const HALF_ONE = 0x3c00
const HALF_TWO = 0x4000

describe('unpackTernary', () => {
  it.each(TERNARY_TYPES)('gives back what was packed, %s', (name) => {
    const { id, block } = TERNARY_LAYOUT[name]
    const random = new Random(3)
    const [rows, columns] = [3, 2 * block]
    const weights = Int8Array.from({ length: rows * columns }, () => random.integer(3) - 1)
    const type = name === 'Q2_0 of 128' ? Q2_0_OF_128 : TENSOR_TYPES.get(id)!
    const unpack = (scales: number[]) =>
      unpackTernary({ name, type, rows, columns, data: packTernary(name, weights, scales) })

    const one = unpack(name === 'I2_S' ? [0.75] : Array(6).fill(HALF_ONE))
    expect(one.codes).toEqual(weights)
    expect([...one.scales]).toEqual([name === 'I2_S' ? 0.75 : 1])
    expect(one.groupColumns).toBe(columns)
    if (name === 'I2_S') return
    const many = unpack([HALF_ONE, HALF_TWO, HALF_ONE, HALF_ONE, HALF_TWO, HALF_ONE])
    expect([...many.scales]).toEqual([1, 2, 1, 1, 2, 1])
    expect(many.groupColumns).toBe(block)
    expect(() => unpack(Array(6).fill(0x7c00))).toThrowError(
      expect.objectContaining({ code: 'GGUF_INVALID' }),
    )
  })

  it('has the block sizes of the formats', () => {
    const sizes = [...TENSOR_TYPES.values()].map(({ name, blockBytes }) => [name, blockBytes])
    expect(Object.fromEntries(sizes)).toMatchObject({ TQ1_0: 54, TQ2_0: 66, I2_S: 32, Q2_0: 18 })
  })
})

describe('quantise', () => {
  it('scales the largest to 127 and rounds half to even', () => {
    const out = new Int8Array(6)
    expect(quantise(Float32Array.of(127, -127, 0.5, 1.5, -2.5, 2.6), out)).toBe(1)
    expect([...out]).toEqual([127, -127, 0, 2, -2, 3])
  })

  it('does so for every group by itself', () => {
    const out = new Int8Array(6)
    const steps = new Float32Array(3)
    quantiseGroups(Float32Array.of(127, 0.5, 254 * 2 ** -40, -2 * 2 ** -40, 0, 0), 2, out, steps)
    expect([...out]).toEqual([127, 0, 127, -1, 0, 0])
    expect([...steps]).toEqual([1, 2 ** -39, Math.fround(1e-30 / 127)])
  })

  it('keeps a row of zeros zero', () => {
    const out = new Int8Array(2)
    expect(quantise(new Float32Array(2), out)).toBe(Math.fround(127 / 1e-5))
    expect([...out]).toEqual([0, 0])
  })
})
