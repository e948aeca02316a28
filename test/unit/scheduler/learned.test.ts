import { describe, expect, it } from 'vitest'
import { Acceptance } from '../../../native-host/scheduler/acceptance.ts'
import { Drag } from '../../../native-host/scheduler/drag.ts'
import { leastAcceptance } from '../../../native-host/scheduler/least-acceptance.ts'
import { Duration } from '../../../native-host/scheduler/link-timing.ts'
import { type Load, Workload } from '../../../native-host/scheduler/load.ts'
import { PassCost } from '../../../native-host/scheduler/pass-cost.ts'
import { Usefulness } from '../../../native-host/scheduler/usefulness.ts'
import { Verdict } from '../../../native-host/scheduler/verdict.ts'
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
  const pass = { assignments: 1, accepted: 0, extraMs: 0, waitedMs: 0, dragMs: 0 }
  const load = (more: Partial<Load> = {}): Load => ({
    ...{ requests: 1, tokenMs: 10, now: 0, busyMs: 0, steady: 100 },
    ...more,
  })

  it('keeps a worker that saves time, however unevenly, and knows it after a few passes', () => {
    const useful = new Usefulness()
    const draws = new Draws(5)
    for (let i = 0; i < 500; i++) {
      useful.observe(load(), { ...pass, accepted: draws.chance(0.4) ? draws.int(1, 6) : 0, extraMs: 2 })
      expect(useful.at(load()).spent).toBe(false)
      if (i < 7) expect(useful.at(load()).proven).toBe(false)
      if (i > 60) expect(useful.at(load()).proven).toBe(true)
    }
    expect(useful.at(load()).lower).toBeGreaterThan(0)
  })

  it('lets go one that is always late, whose rows cost more than they bring, that is waited for in vain, or that slows passes', () => {
    const idle = { ...pass, dragMs: 0.61 }
    const bad = [
      [new Usefulness('local'), pass, 40],
      [new Usefulness(), idle, 12],
      [new Usefulness(), { ...pass, accepted: 1, extraMs: 11 }, 12],
      [new Usefulness(), { ...pass, waitedMs: 5 }, 12],
      [new Usefulness(), { ...pass, accepted: 1, dragMs: 12 }, 12],
      [new Usefulness(), { ...pass, assignments: 4, accepted: 4, dragMs: 48 }, 12],
    ] as const
    for (const [useless, value, after] of bad) {
      let passes = 0
      while (!useless.at(load()).spent && passes < 1000) {
        useless.observe(load(), value)
        passes++
      }
      // What loses little is watched for longer.
      expect(passes).toBe(after)
    }
  })

  it('judges each number of requests by itself', () => {
    const useful = new Usefulness()
    const four = load({ requests: 4 })
    for (let i = 0; i < 20; i++) {
      useful.observe(load(), { ...pass, accepted: 1 })
      useful.observe(four, { ...pass, assignments: 4, accepted: 1, extraMs: 30 })
    }
    expect(useful.at(load())).toMatchObject({ proven: true, spent: false })
    expect(useful.at(load({ requests: 3 }))).toMatchObject({ proven: false, spent: true })
    useful.at(four).rest(four)
    expect(useful.at(four).ready(four)).toBe(false)
    for (const requests of [1, 2, 5, 16]) expect(useful.at({ requests }).ready(load({ requests }))).toBe(true)
    expect(useful.at(load()).proven).toBe(true)
  })

  it('asks again after a rest that grows, when passes have made up for what the trial cost, or when tokens are dearer', () => {
    const verdict = new Verdict()
    verdict.observe(-1, 10, 2)
    verdict.rest(load({ now: 1000, busyMs: 50 }))
    // It lost 2 ms: a trial in 400 ms of passes wastes half a percent of them.
    const later = load({ now: 31_000, busyMs: 450 })
    expect(verdict.ready(later)).toBe(true)
    expect(verdict.ready({ ...later, now: 30_999 })).toBe(false)
    expect(verdict.ready({ ...later, busyMs: 449 })).toBe(false)
    expect(verdict.ready(load({ now: 2000, busyMs: 60, tokenMs: 15 }))).toBe(false)
    expect(verdict.ready(load({ now: 2000, busyMs: 60, tokenMs: 16 }))).toBe(true)
    verdict.observe(-1, 10, 2)
    verdict.rest(load({ now: 31_000, busyMs: 450 }))
    expect(verdict.ready(load({ now: 90_000, busyMs: 9999 }))).toBe(false)
    expect(verdict.ready(load({ now: 91_000, busyMs: 1249 }))).toBe(false)
    expect(verdict.ready(load({ now: 91_000, busyMs: 1250 }))).toBe(true)
  })

  it('forgets how often it rested once it has paid for long', () => {
    const verdict = new Verdict()
    const rest = (now: number) => verdict.rest(load({ now }))
    rest(0)
    rest(30_000)
    for (let i = 0; i < 64; i++) verdict.observe(1, 10)
    rest(100_000)
    expect(verdict.ready(load({ now: 130_000 }))).toBe(true)
  })
})

describe('what has been asked of the engine', () => {
  it('is told apart by the number of requests, and how long it has been about the same', () => {
    const workload = new Workload()
    expect(workload.of(1)).toEqual({ busyMs: 0, steady: 0 })
    for (const requests of [1, 1, 3, 4, 4]) workload.observe(requests, 10)
    expect(workload.of(1)).toEqual({ busyMs: 20, steady: 0 })
    expect(workload.of(3)).toEqual({ busyMs: 30, steady: 3 })
    expect(workload.of(5)).toEqual({ busyMs: 0, steady: 0 })
  })
})

describe('the least acceptance with which drafts pay', () => {
  const crowd = { requests: 4, context: 400, maxRows: 64, overheadMs: 0 }

  it('is what a row more costs, as a share of a token', () => {
    // Four tokens in 40 ms; a row more in 5. A pass takes drafts where they promise three hundredths more.
    const least = leastAcceptance(crowd, (rows) => 20 + 5 * rows)
    expect(least).toBeCloseTo(0.5, 1)
    expect(leastAcceptance({ ...crowd, overheadMs: 1 }, (rows) => 20 + 5 * rows)).toBeCloseTo(0.6, 1)
  })

  it('is hardly anything where rows are free, and 1 where they cost as much as tokens, or where there is no room', () => {
    expect(leastAcceptance(crowd, () => 20)).toBeLessThan(0.06)
    expect(leastAcceptance(crowd, (rows) => 20 * rows)).toBe(1)
    expect(leastAcceptance({ ...crowd, overheadMs: 100 }, () => 20)).toBe(1)
    expect(leastAcceptance({ ...crowd, maxRows: 4 }, () => 20)).toBe(1)
  })

  it('is higher where even good drafts bring next to nothing', () => {
    // A row costs 0.93 of a token: all that drafts of 0.95 could bring is less than passes take them for.
    const many = { requests: 16, context: 1600, maxRows: 64, overheadMs: 0 }
    expect(leastAcceptance(many, (rows) => 25 + 22 * rows)).toBeGreaterThan(0.95)
  })

  it('finds the few rows that a staircase leaves free', () => {
    const stairs = (rows: number) => 20 * Math.ceil(rows / 8)
    expect(leastAcceptance({ ...crowd, requests: 5 }, stairs)).toBeLessThan(0.06)
    expect(leastAcceptance({ ...crowd, requests: 8 }, stairs)).toBe(1)
  })
})

describe('what drafting takes from passes', () => {
  const pass = { requests: 1, calmMs: 50, rowsMs: 40 }

  it('is what rows do not explain, on the mean of all passes', () => {
    const drag = new Drag()
    expect(drag.of(1)).toBe(0)
    // Just after a rejection a drafter takes most, and least while its window is full.
    for (let i = 0; i < 200; i++) {
      drag.observe({ ...pass, ms: 100 })
      drag.observe({ ...pass, rowsMs: 0, ms: 80 })
    }
    expect(drag.of(1)).toBeCloseTo((0.1 + 0.375) / 2, 1)
    expect(drag.of(4)).toBe(0)
  })

  it('is nothing where passes merely scatter, and where it is not known what they take without', () => {
    const drag = new Drag()
    const draws = new Draws(8)
    for (let i = 0; i < 400; i++) drag.observe({ ...pass, ms: draws.between(80, 100) })
    expect(drag.of(1)).toBeLessThan(0.02)
    drag.observe({ ...pass, requests: 4, calmMs: null, ms: 1000 })
    expect(drag.of(4)).toBe(0)
  })
})
