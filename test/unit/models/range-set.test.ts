import fc from 'fast-check'
import { expect, it } from 'vitest'
import { RangeSet } from '../../../native-host/models/range-set.ts'

const SIZE = 40
const range = fc
  .tuple(fc.nat(SIZE), fc.nat(SIZE))
  .map(([a, b]) => ({ start: Math.min(a, b), end: Math.max(a, b) }))

it('knows the same bytes as a list of all of them', () => {
  fc.assert(
    fc.property(fc.array(range, { maxLength: 12 }), fc.integer({ min: 1, max: 9 }), (ranges, most) => {
      const set = new RangeSet(ranges)
      const there = Array.from({ length: SIZE }, (_, at) =>
        ranges.some(({ start, end }) => at >= start && at < end),
      )
      expect(set.bytes).toBe(there.filter(Boolean).length)
      const listed = set.list()
      for (const [i, { start, end }] of listed.entries()) {
        expect(end).toBeGreaterThan(start)
        // Touching ranges are one.
        if (i > 0) expect(start).toBeGreaterThan(listed[i - 1]!.end)
      }
      const gaps = set.gaps(SIZE, most)
      expect(Math.max(0, ...gaps.map(({ start, end }) => end - start))).toBeLessThanOrEqual(most)
      const missing = Array.from({ length: SIZE }, (_, at) =>
        gaps.some(({ start, end }) => at >= start && at < end),
      )
      expect(missing).toEqual(there.map((is) => !is))
      expect(gaps.reduce((sum, { start, end }) => sum + end - start, 0)).toBe(SIZE - set.bytes)
      for (const gap of gaps) set.add(gap.start, gap.end)
      expect(set.list()).toEqual([{ start: 0, end: SIZE }])
    }),
  )
})

it('forgets', () => {
  const set = new RangeSet([{ start: 2, end: 5 }])
  set.clear()
  expect([set.bytes, set.end, set.gaps(3)]).toEqual([0, 0, [{ start: 0, end: 3 }]])
})
