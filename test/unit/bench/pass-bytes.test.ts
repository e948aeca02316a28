import { describe, expect, it } from 'vitest'
import { passBytes } from '../../bench/engine/pass-bytes.ts'
import { shapeOf } from '../../bench/engine/shape-file.ts'

describe('what a pass reads', () => {
  it('is all of a model with a tied head', () => {
    // 2.084e9 ternary weights in 2 bits and a tail each, and the head in f16.
    const layers = 30 * (2 * 2560 * 2560 + 2 * 2560 * 640 + 3 * 2560 * 6912)
    expect(passBytes(shapeOf({ shape: '2b' }), 0)).toBe(layers / 4 + 30 * 7 * 32 + 128_256 * (2560 + 4))
  })

  it('leaves out an embedding that is no head', () => {
    const table = ((151_936 * 4096) / 64) * 18
    const layers = 36 * (2 * 4096 * 4096 + 2 * 4096 * 1024 + 3 * 4096 * 12_288)
    expect(passBytes(shapeOf({ shape: '8b' }), 0)).toBe((layers / 64) * 18 + table)
  })

  it('has keys and values of every position', () => {
    const shape = shapeOf({ shape: '2b' })
    expect(passBytes(shape, 256) - passBytes(shape, 0)).toBe(256 * 30 * 2 * 5 * 128 * 2)
  })
})
