import { describe, expect, it } from 'vitest'
import { ENCODE, GROUP_WEIGHTS, toCodes } from '../../bench/engine/ternary-codes.ts'
import { packTernary, TERNARY_LAYOUT, TERNARY_TYPES } from '../../support/pack-ternary.ts'
import { Random } from '../../support/random.ts'

const WEIGHTS = 4096
const random = new Random(3)
const words = Uint16Array.from({ length: WEIGHTS / 8 }, () => random.integer(0x10000))
toCodes(words)
const codes = new Uint8Array(words.buffer)
/** As ternary-codes.ts says that they stand. */
const weights = Int8Array.from({ length: WEIGHTS }, (_, i) => {
  const byte = codes[Math.floor(i / 128) * 32 + (i % 32)]!
  return ((byte >> (2 * Math.floor((i % 128) / 32))) & 3) - 1
})

describe('codes', () => {
  it('are −1, 0 and 1, about as often', () => {
    const counts = [-1, 0, 1].map((value) => weights.filter((weight) => weight === value).length)
    expect(counts.reduce((a, b) => a + b)).toBe(WEIGHTS)
    for (const count of counts) expect(Math.abs(count / WEIGHTS - 1 / 3)).toBeLessThan(0.03)
  })

  it.each(TERNARY_TYPES)('are encoded in %s as packing the weights does', (type) => {
    const { block } = TERNARY_LAYOUT[type]
    const halves = Uint16Array.from({ length: WEIGHTS / GROUP_WEIGHTS }, () => random.integer(0x7c00))
    const scales = Array.from(
      { length: WEIGHTS / block },
      (_, i) => halves[Math.floor((i * block) / GROUP_WEIGHTS)]!,
    )
    const packed = packTernary(type, weights, type === 'I2_S' ? [1] : scales)
    const blocks = type === 'I2_S' ? packed.subarray(0, -32) : packed
    const out = new Uint8Array(blocks.length)
    ENCODE[type](codes, halves, out)
    expect(Buffer.from(out).equals(blocks)).toBe(true)
  })
})
