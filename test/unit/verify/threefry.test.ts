import { describe, expect, it } from 'vitest'
import { threefry2x32 } from '../../../shared/verify/threefry.ts'

/** The `threefry2x32 20` lines of Random123's kat_vectors: counter, key, expected. */
const KNOWN_ANSWERS = [
  [0x00000000, 0x00000000, 0x00000000, 0x00000000, 0x6b200159, 0x99ba4efe],
  [0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0x1cb996fc, 0xbb002be7],
  [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344, 0xc4923a9c, 0x483df7a0],
] as const

describe('threefry2x32', () => {
  it.each(KNOWN_ANSWERS)('counter %i %i, key %i %i', (c0, c1, k0, k1, x0, x1) => {
    const out = new Uint32Array(2)
    threefry2x32(k0, k1, c0, c1, out)
    expect([...out]).toEqual([x0, x1])
  })
})
