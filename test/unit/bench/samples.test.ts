import { describe, expect, it } from 'vitest'
import { Samples } from '../../bench/engine/samples.ts'

const of = (...values: number[]) => {
  const samples = new Samples()
  for (const value of values) samples.add(value)
  return samples
}

describe('samples', () => {
  it('have a least, a most and a median', () => {
    expect(of(3, 1, 20)).toMatchObject({ count: 3, least: 1, most: 20, median: 3 })
    expect(of(4, 1, 2, 20).median).toBe(3)
    expect(of(7).median).toBe(7)
  })

  it('say so when there are none', () => {
    expect(of()).toMatchObject({ count: 0, least: Number.POSITIVE_INFINITY, median: Number.NaN })
  })
})
