import { describe, expect, it } from 'vitest'
import { Acceptance } from '../../../native-host/scheduler/acceptance.ts'
import { Duration } from '../../../native-host/scheduler/link-timing.ts'
import { PassCost } from '../../../native-host/scheduler/pass-cost.ts'
import { Usefulness } from '../../../native-host/scheduler/usefulness.ts'
import { Draws } from '../../support/draws.ts'

describe('acceptance', () => {
  it('approaches the true rate, follows when it changes, and is never certain', () => {
    const draws = new Draws(2)
    const acceptance = new Acceptance()
    const feed = (rate: number) => {
      for (let i = 0; i < 600; i++) {
        const hit = draws.chance(rate)
        acceptance.observe(hit ? 1 : 0, hit ? 0 : 1)
      }
    }
    feed(0.8)
    expect(acceptance.alpha).toBeGreaterThan(0.68)
    expect(acceptance.alpha).toBeLessThan(0.92)
    expect(acceptance.lower).toBeLessThan(acceptance.alpha)
    feed(0.2)
    expect(acceptance.alpha).toBeLessThan(0.35)
    feed(1)
    expect(acceptance.alpha).toBeLessThan(1)
    feed(0)
    expect(acceptance.alpha).toBeGreaterThan(0)
  })

  it('begins where its prior says', () => {
    expect(new Acceptance(0.3, 8).alpha).toBeCloseTo(0.3)
    const strong = new Acceptance(0.3, 8)
    const weak = new Acceptance(0.3, 1)
    strong.observe(4, 0)
    weak.observe(4, 0)
    expect(weak.alpha).toBeGreaterThan(strong.alpha)
  })
})

describe('pass cost', () => {
  /** A staircase in rows, and a share for what the rows attend to. */
  const truth = (rows: number, context: number) => 20 + 4 * Math.ceil(rows / 8) + 0.01 * context

  it('learns a staircase with context from noisy passes, and never falls with rows', () => {
    const draws = new Draws(3)
    const cost = new PassCost()
    for (let i = 0; i < 4000; i++) {
      const rows = draws.int(1, 60)
      const context = rows * draws.int(1, 60)
      cost.observe(rows, context, truth(rows, context) * draws.between(0.95, 1.05))
    }
    for (const rows of [1, 3, 8, 20, 40, 57]) {
      for (const perRow of [5, 30, 50]) {
        const context = rows * perRow
        const error = Math.abs(cost.estimate(rows, context) / truth(rows, context) - 1)
        expect(error, `${rows} rows, ${context}`).toBeLessThan(0.15)
      }
    }
    for (let rows = 1; rows < 80; rows++) {
      expect(cost.estimate(rows + 1, 100)).toBeGreaterThanOrEqual(cost.estimate(rows, 100))
    }
  })

  it('lies between what was measured, and beyond it as far as the slope carries', () => {
    const cost = new PassCost()
    expect(cost.estimate(7, 100)).toBe(1)
    cost.observe(1, 0, 10)
    expect(cost.estimate(40, 0)).toBe(10)
    cost.observe(11, 0, 20)
    expect(cost.estimate(6, 0)).toBeCloseTo(15)
    expect(cost.estimate(21, 0)).toBeCloseTo(30)
    expect(cost.table()).toEqual([
      [1, 10],
      [11, 20],
    ])
  })

  it('smooths a dip away and is not moved far by one stalled pass', () => {
    const cost = new PassCost()
    for (const rows of [1, 2, 4]) for (let i = 0; i < 10; i++) cost.observe(rows, 0, rows === 2 ? 30 : 20)
    expect(cost.estimate(4, 0)).toBeCloseTo(cost.estimate(2, 0))
    const before = cost.estimate(1, 0)
    cost.observe(1, 0, 100_000)
    expect(cost.estimate(1, 0)).toBeLessThan(before * 1.25)
    for (let i = 0; i < 300; i++) for (const rows of [1, 2, 4]) cost.observe(rows, 0, 60)
    expect(cost.estimate(1, 0)).toBeCloseTo(60, 0)
  })

  it('knows passes during which nobody drafted apart from the others', () => {
    const cost = new PassCost()
    expect(cost.while('calm', 1, 0)).toBeNull()
    for (let i = 0; i < 20; i++) cost.observe(1, 10, 20, true)
    for (let i = 0; i < 60; i++) cost.observe(1, 10, 35)
    expect(cost.while('calm', 1, 10)).toBeCloseTo(20)
    expect(cost.while('busy', 1, 10)).toBeCloseTo(35)
    expect(cost.while('calm', 2, 10)).toBeNull()
  })

  it('says which sizes it has seen itself, and not too long ago', () => {
    const cost = new PassCost()
    cost.observe(4, 0, 10)
    cost.observe(16, 0, 20)
    expect([4, 8, 16].map((rows) => cost.isFresh(rows))).toEqual([true, false, true])
    for (let i = 0; i < 200; i++) cost.observe(16, 0, 20)
    expect([4, 16].map((rows) => cost.isFresh(rows))).toEqual([false, true])
  })

  it('remembers a bounded number of sizes', () => {
    const cost = new PassCost()
    for (let rows = 1; rows <= 4096; rows++) cost.observe(rows, 0, rows)
    expect(cost.table().length).toBeLessThan(128)
    for (const rows of [3, 100, 1000, 4000]) {
      expect(Math.abs(cost.estimate(rows, 0) / rows - 1)).toBeLessThan(0.1)
    }
  })
})

describe('a link’s timing', () => {
  it('gives a cautious duration once something was measured', () => {
    const duration = new Duration()
    expect(duration.high).toBeNull()
    const draws = new Draws(4)
    for (let i = 0; i < 200; i++) duration.observe(draws.between(20, 40))
    expect(duration.mean).toBeGreaterThan(24)
    expect(duration.mean).toBeLessThan(36)
    expect(duration.high).toBeGreaterThan(36)
    expect(duration.high).toBeLessThan(55)
  })
})

describe('usefulness', () => {
  const pass = { accepted: 0, tokenMs: 10, extraMs: 0, waitedMs: 0, dragMs: 0 }

  it('keeps a worker that saves time, however unevenly', () => {
    const useful = new Usefulness()
    const draws = new Draws(5)
    for (let i = 0; i < 500; i++) {
      useful.observe({ ...pass, accepted: draws.chance(0.4) ? draws.int(1, 6) : 0, extraMs: 2 })
      expect(useful.spent).toBe(false)
    }
    expect(useful.lower).toBeGreaterThan(0)
  })

  it('lets go one that is always late, whose rows cost more than they bring, that is waited for in vain, or that slows passes', () => {
    const bad = [
      pass,
      { ...pass, accepted: 1, extraMs: 11 },
      { ...pass, waitedMs: 5 },
      { ...pass, accepted: 1, dragMs: 12 },
    ]
    for (const value of bad) {
      const useless = new Usefulness()
      let passes = 0
      while (!useless.spent && passes < 1000) {
        useless.observe(value)
        passes++
      }
      // What loses little is watched for longer.
      expect(passes).toBe(value === pass ? 64 : 12)
    }
  })

  it('asks again after a rest that grows, and when tokens have become dear and stay so', () => {
    const useful = new Usefulness()
    useful.observe(pass)
    useful.rest(1000)
    expect(useful.ready(2000, 10)).toBe(false)
    expect(useful.ready(2000, 16)).toBe(false)
    expect(useful.ready(2500, 10)).toBe(false)
    expect(useful.ready(3000, 16)).toBe(false)
    expect(useful.ready(4900, 16)).toBe(false)
    expect(useful.ready(5000, 16)).toBe(true)
    expect(useful.ready(20_000, 16)).toBe(false)
    expect(useful.ready(22_000, 16)).toBe(true)
    expect(useful.ready(31_000, 10)).toBe(true)
    useful.observe(pass)
    useful.rest(31_000)
    expect(useful.ready(61_000, 10)).toBe(false)
    expect(useful.ready(91_000, 10)).toBe(true)
  })
})
