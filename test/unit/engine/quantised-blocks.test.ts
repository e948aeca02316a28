import { describe, expect, it } from 'vitest'
import { dequantise } from '../../../shared/engine/reference/quantised-blocks.ts'
import { TENSOR_TYPES } from '../../../shared/engine/tensor-type.ts'

const HALF_TWO = [0x00, 0x40]

function values(id: number, data: number[]): number[] {
  const type = TENSOR_TYPES.get(id)!
  expect(data).toHaveLength(type.blockBytes)
  const tensor = { name: 'w', type, rows: 1, columns: type.blockWeights, data: Uint8Array.from(data) }
  return [...dequantise(tensor)]
}

describe('dequantise', () => {
  it('Q8_0: a scale, then signed bytes', () => {
    const codes = Array.from({ length: 32 }, (_, i) => 8 * i)
    const signed = codes.map((code) => (code < 128 ? code : code - 256))
    expect(values(8, [...HALF_TWO, ...codes])).toEqual(signed.map((code) => 2 * code))
  })

  it('Q4_0: a scale, then low halves before high halves, 8 is zero', () => {
    const bytes = Array.from({ length: 16 }, (_, i) => i | ((15 - i) << 4))
    const low = bytes.map((_, i) => 2 * (i - 8))
    expect(values(2, [...HALF_TWO, ...bytes])).toEqual([...low, ...low.map((_, i) => 2 * (7 - i))])
  })

  it('Q6_K: four quarters a half, each from its own bits, with its own scales', () => {
    const low = Array.from({ length: 128 }, () => 0x21)
    const high = Array.from({ length: 64 }, () => 0b11_10_01_00)
    const scales = Array.from({ length: 16 }, (_, i) => (i === 15 ? 0xff : i + 1))
    // Quarters: 1 | 0 << 4, 1 | 1 << 4, 2 | 2 << 4, 2 | 3 << 4, less 32.
    const codes = [1 - 32, 17 - 32, 34 - 32, 50 - 32]
    const expected = Array.from({ length: 256 }, (_, i) => {
      const scale = i >> 4 === 15 ? -1 : (i >> 4) + 1
      return 2 * scale * codes[(i >> 5) & 3]!
    })
    expect(values(14, [...low, ...high, ...scales, ...HALF_TWO])).toEqual(expected)
  })
})
