import { describe, expect, it } from 'vitest'
import { type BestPass, bestPass } from '../../../native-host/scheduler/best-pass.ts'
import { windowFor } from '../../../native-host/scheduler/window.ts'

describe('the best pass', () => {
  const running = { requests: 1, context: 0, maxRows: 256 }
  const drafts = (alpha: number, cost: (rows: number) => number, more = {}) =>
    bestPass({ ...running, ...more }, alpha, cost).drafts

  it('has more drafts the better they are and the less rows cost, and none where a row costs a token', () => {
    const cost = (share: number) => (rows: number) => 40 * (1 + share * (rows - 1))
    expect(drafts(0.9, cost(1))).toBe(0)
    expect(drafts(0, cost(0.1))).toBe(0)
    expect([0.5, 0.7, 0.9].map((alpha) => drafts(alpha, cost(0.1)))).toEqual([2, 4, 10])
    expect([0.05, 0.1, 0.3, 0.6].map((share) => drafts(0.9, cost(share)))).toEqual([13, 10, 5, 2])
  })

  it('goes up to the edge of a stair, and no further than rows are allowed, for all requests alike', () => {
    const stairs = (rows: number) => 40 * Math.ceil(rows / 4)
    expect(drafts(0.8, stairs)).toBe(3)
    expect(drafts(0.8, stairs, { maxRows: 3 })).toBe(2)
    expect(drafts(0.8, stairs, { requests: 2 })).toBe(1)
    expect(drafts(0.8, (rows) => 40 + 0.001 * rows, { requests: 2, maxRows: 10 })).toBe(4)
  })

  it('tells what it emits and takes', () => {
    const { tokens, ms } = bestPass(running, 0.5, (rows) => 40 + 4 * rows)
    expect(tokens).toBeCloseTo(1 + 0.5 + 0.25)
    expect(ms).toBe(52)
  })
})

describe('the window that a worker is granted', () => {
  const near = { turnMs: 10, stepMs: 5, alpha: 0.9, beside: false }
  /** As if rows cost nothing: as deep as one looks. */
  const deep: BestPass = { drafts: 64, tokens: 10, ms: 50 }
  /** As on a processor where they cost a lot. */
  const shallow: BestPass = { drafts: 2, tokens: 2, ms: 50 }

  it('is the default where rows cost nothing and nothing is known, and where a worker is near', () => {
    expect(windowFor({ ...near, turnMs: null }, deep, 64)).toBe(16)
    expect(windowFor({ ...near, stepMs: null }, deep, 64)).toBe(16)
    expect(windowFor(near, deep, 64)).toBe(18)
  })

  it('covers what is on its way, as far as it is worth it and the setting allows', () => {
    const far = { ...near, turnMs: 100 }
    expect(windowFor(far, deep, 64)).toBe(36)
    expect(windowFor({ ...far, alpha: 0.8 }, deep, 64)).toBe(21)
    expect(windowFor({ ...far, alpha: 0.5 }, deep, 64)).toBe(7)
    expect(windowFor({ ...far, alpha: 0.1 }, deep, 64)).toBe(4)
    expect(windowFor(far, deep, 24)).toBe(24)
    expect(windowFor(far, deep, 4)).toBe(4)
  })

  it('is no larger than what passes use until the worker hears of them', () => {
    // Two for the next pass, and two a pass: of the one under way and of those that fit into a turn; and one on top.
    expect(windowFor({ ...near, turnMs: 0 }, shallow, 64)).toBe(5)
    expect(windowFor({ ...near, turnMs: 50 }, shallow, 64)).toBe(7)
    expect(windowFor({ ...near, turnMs: 200 }, shallow, 64)).toBe(13)
    // A link of which nothing is known is taken for a far one.
    expect(windowFor({ ...near, turnMs: null }, shallow, 64)).toBe(9)
    expect(windowFor(near, null, 64)).toBe(18)
  })

  it('is what the next pass verifies, and one more, on the Oracle’s own processor', () => {
    const local = { ...near, beside: true }
    expect(windowFor(local, shallow, 64)).toBe(3)
    expect(windowFor(local, deep, 16)).toBe(16)
    expect(windowFor(local, null, 64)).toBe(18)
  })
})
