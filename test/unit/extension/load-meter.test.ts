import { describe, expect, it } from 'vitest'
import { LoadMeter } from '../../../entrypoints/offscreen/load-meter.ts'

describe('LoadMeter', () => {
  it('makes one bar that never goes back, and guesses the rest once that makes sense', () => {
    let now = 0
    const meter = new LoadMeter(() => now)
    const steps = [
      { at: 0, step: 'read', bytes: 0, totalBytes: 0 },
      { at: 100, step: 'read', bytes: 25, totalBytes: 100 },
      { at: 600, step: 'read', bytes: 50, totalBytes: 100 },
      // A total that turns out larger must not move the bar back.
      { at: 700, step: 'read', bytes: 60, totalBytes: 400 },
      { at: 1200, step: 'compile', bytes: 400, totalBytes: 400 },
    ] as const
    const seen = steps.map(({ at, ...step }) => {
      now = at
      return meter.take(step)
    })
    const fractions = seen.map(({ fraction }) => fraction)
    expect(fractions).toEqual([...fractions].sort((a, b) => a - b))
    expect(fractions.at(-1)).toBeLessThan(1)
    expect(seen[1]!.secondsLeft).toBeNull()
    // 30 % in 600 ms: 1.4 s more.
    expect(seen[2]!.secondsLeft).toBe(2)
    expect(seen[4]).toMatchObject({ step: 'compile', bytes: 400 })
  })
})
