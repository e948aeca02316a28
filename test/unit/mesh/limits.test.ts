import { describe, expect, it } from 'vitest'
import { FaultBook } from '../../../native-host/mesh/fault-book.ts'
import { claimDelayMs } from '../../../shared/drafter/claim-rule.ts'
import { RateLimits } from '../../../shared/mesh/rate-limits.ts'
import { LIMITS } from '../../../shared/protocol/limits.ts'

describe('RateLimits', () => {
  it('lets a burst pass, then the rate', () => {
    let now = 0
    const limits = new RateLimits(2, 3, 10, () => now)
    const taken = (count: number) =>
      Array.from({ length: count }, () => limits.take('a')).filter(Boolean).length
    expect(taken(10)).toBe(3)
    now += 1000
    expect(taken(10)).toBe(2)
    now += 60_000
    expect(taken(10)).toBe(3)
    expect(limits.take('b')).toBe(true)
  })

  it('remembers a bounded number of keys, the last used', () => {
    const limits = new RateLimits(0, 1, 2, () => 0)
    expect([limits.take('a'), limits.take('b'), limits.take('a')]).toEqual([true, true, false])
    limits.take('c') // b is forgotten
    expect([limits.take('a'), limits.take('b')]).toEqual([false, true])
  })
})

describe('FaultBook', () => {
  it('forgives two faults, then bans ever longer, up to a limit', () => {
    let now = 0
    const book = new FaultBook(() => now)
    expect([book.fault('a'), book.fault('a')]).toEqual([0, 0])
    expect(book.banned('a')).toBe(false)
    expect(book.fault('a')).toBe(LIMITS.firstBanMs)
    expect(book.banned('a')).toBe(true)
    expect(book.banned('b')).toBe(false)
    now += LIMITS.firstBanMs
    expect(book.banned('a')).toBe(false)
    expect(book.fault('a')).toBe(2 * LIMITS.firstBanMs)
    for (let i = 0; i < 100; i++) book.fault('a')
    expect(book.fault('a')).toBe(LIMITS.longestBanMs)
    expect(book.faults('a')).toBe(105)
    now += LIMITS.faultMemoryMs
    expect(book.faults('a')).toBe(0)
    expect([book.fault('a'), book.banned('a')]).toEqual([0, false])
  })

  it('remembers a bounded number of peers', () => {
    const book = new FaultBook(() => 0)
    book.fault('first')
    for (let i = 0; i < LIMITS.rememberedPeers; i++) book.fault(`peer ${i}`)
    expect(book.faults('first')).toBe(0)
    expect(book.faults('peer 0')).toBe(1)
  })
})

describe('the claim rule', () => {
  it('lets about as many come at once as are wanted, all before the Offer ends, the same each time', async () => {
    const delays = await Promise.all(
      Array.from({ length: 1000 }, (_, i) =>
        claimDelayMs('job', `peer ${i}`, 10, 1000, LIMITS.offerDeadlineMs),
      ),
    )
    expect(delays).not.toContain(null)
    const within = (ms: number) => delays.filter((delay) => delay !== null && delay <= ms).length
    // Binomial with mean 10 and 20: these bounds hold with probability above 0.999.
    expect(within(0)).toBeGreaterThan(1)
    expect(within(0)).toBeLessThan(25)
    expect(within(LIMITS.claimWideningMs)).toBeGreaterThan(within(0))
    expect(within(LIMITS.claimWideningMs)).toBeLessThan(40)
    expect(within(7 * LIMITS.claimWideningMs)).toBe(1000)
    expect(await claimDelayMs('job', 'peer 7', 10, 1000, LIMITS.offerDeadlineMs)).toBe(delays[7])
  })

  it('leaves out whoever’s turn comes after the deadline, and lets all come when all are wanted', async () => {
    const late = await Promise.all(
      Array.from({ length: 100 }, (_, i) => claimDelayMs('job', `peer ${i}`, 1, 1_000_000, 2000)),
    )
    expect(late).toContain(null)
    const few = await Promise.all(
      Array.from({ length: 20 }, (_, i) => claimDelayMs('job', `peer ${i}`, 20, 3, 1000)),
    )
    expect(few).toEqual(new Array(20).fill(0))
  })
})
