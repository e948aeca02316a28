import { describe, expect, it } from 'vitest'
import { curve } from '../../support/curve.ts'
import { Draws } from '../../support/draws.ts'
import { optimalRate, type Partnership } from '../../support/optimum.ts'
import type { Scenario } from '../../support/scenario.ts'
import { simulate } from '../../support/simulation.ts'

/** Milliseconds of a pass by rows, of targets from one that more rows cost almost nothing to one that they cost dearly. */
const TARGETS = {
  flat: curve([1, 30], [16, 33], [64, 60]),
  '8B, two cores': curve([1, 80], [4, 105], [8, 200], [16, 390]),
  '2B, two cores': curve([1, 20], [4, 27], [8, 50], [16, 95]),
  '2B, one old core': curve([1, 73], [2, 100], [4, 150], [8, 264]),
  '2B, one core': curve([1, 52], [2, 59], [3, 75], [4, 93], [5, 118], [6, 148], [8, 189], [16, 378]),
  '8B, one core': curve([1, 116], [2, 184], [3, 237], [4, 307], [5, 371], [6, 474], [8, 617], [16, 1234]),
}
const WORKER = { behaviour: 'honest', loss: 0, lifeMs: 0, capacity: 16 } as const
const ALONE = { cancelMs: null, stopAt: null, turns: 1 }

describe('the optimum', () => {
  const flat: Partnership = { cost: () => 60, alpha: 0.8, tokenMs: 6, rttMs: 0, maxRows: 64 }

  it('is the Oracle alone where a Scout is too far away, always wrong, or dearer than a pass', () => {
    const alone = 1 / 60
    expect(optimalRate({ ...flat, rttMs: 100_000 })).toBeCloseTo(alone, 6)
    expect(optimalRate({ ...flat, alpha: 0 })).toBeCloseTo(alone, 6)
    expect(optimalRate({ ...flat, cost: (rows) => 60 * rows })).toBeCloseTo(alone, 6)
  })

  it('is about all that a Scout drafts, and one token a pass, where nearly every draft is right', () => {
    const rate = optimalRate({ ...flat, alpha: 0.99 })
    expect(rate).toBeGreaterThan(0.85 / 6)
    expect(rate).toBeLessThanOrEqual(1 / 6 + 1 / 60)
  })

  it('rises with acceptance and speed, and falls with distance', () => {
    const rateAt = (change: Partial<Partnership>) => optimalRate({ ...flat, rttMs: 20, ...change })
    for (const [worse, better] of [
      [{ alpha: 0.6 }, { alpha: 0.9 }],
      [{ tokenMs: 30 }, { tokenMs: 3 }],
      [{ rttMs: 100 }, { rttMs: 5 }],
    ] as const)
      expect(rateAt(better)).toBeGreaterThan(1.05 * rateAt(worse))
  })

  it('is reached by no policy of another kind: so many drafts a pass, waiting so long, played out by chance', () => {
    const draws = new Draws(11)
    for (const cost of Object.values(TARGETS)) {
      for (const rttMs of [0, 50]) {
        const partnership = { cost, alpha: 0.8, tokenMs: cost(1) / 10, rttMs, maxRows: 64 }
        const optimum = optimalRate(partnership)
        const played = [0, 1, 2, 4, 8].flatMap((drafts) =>
          [0, 1, 3].map((waits) => play(partnership, drafts, waits, draws)),
        )
        // What is played by chance scatters by a percent or two.
        expect(Math.max(...played)).toBeLessThan(1.03 * optimum)
        expect(Math.max(...played)).toBeGreaterThan(0.85 * optimum)
      }
    }
  })
})

/**
 * Tokens per millisecond of a fixed policy, event by event: verifies up to `most` drafts in hand, and waits for up to
 * `waits` more while it has fewer. Nothing of it is shared with what it is compared with.
 */
function play(
  { cost, alpha, tokenMs, rttMs }: Partnership,
  most: number,
  waits: number,
  draws: Draws,
): number {
  const wanted = Math.min(most, waits)
  let now = 0
  let truth = 0
  /** The Scout's path: where it began and when its first token arrives; `wrong`: its first token that is not true. */
  let path = { from: 0, firstAt: rttMs + tokenMs, wrong: draw() }
  function draw(): number {
    let right = 0
    while (draws.chance(alpha)) right++
    return right
  }
  while (truth < 20_000) {
    const arrivedBy = (moment: number) =>
      Math.max(0, Math.floor((moment - path.firstAt) / tokenMs + 1e-9) + 1)
    const due = path.firstAt + (truth - path.from + wanted - 1) * tokenMs
    if (wanted > 0 && due > now && due - now <= waits * tokenMs + rttMs) now = due
    const hand = Math.max(0, path.from + arrivedBy(now) - truth)
    const drafts = Math.min(most, hand)
    const right = Math.max(0, path.from + path.wrong - truth)
    const accepted = Math.min(drafts, right)
    now += cost(1 + drafts)
    truth += accepted + 1
    // What the Scout had drafted when it heard of the pass.
    const drafted = path.from + arrivedBy(now + rttMs)
    const contradicted = path.from + path.wrong < truth && drafted > path.from + path.wrong
    if (contradicted || drafted < truth) path = { from: truth, firstAt: now + rttMs + tokenMs, wrong: draw() }
  }
  return truth / now
}

describe('the scheduler against the optimum', () => {
  it('reaches nine tenths of it for one request with one Scout, near and far, good and middling', async () => {
    const shares: number[] = []
    for (const cost of Object.values(TARGETS)) {
      for (const rttMs of [0, 20, 50, 100]) {
        for (const alpha of [0.6, 0.8, 0.9]) {
          for (const speed of [10, 3]) {
            const tokenMs = cost(1) / speed
            // The optimum knows nothing of a token that is being drafted when true ones overtake it.
            const link = { delayMs: rttMs / 2, jitterMs: rttMs / 50, breaksOff: true }
            const worker = { ...WORKER, ...link, alpha, tokenMs }
            // A first request, from which the Oracle learns how far away the Scout is.
            const first = { ...ALONE, atMs: 0, promptLength: 8, maxTokens: 60 }
            const second = { ...ALONE, atMs: 30_000, promptLength: 9, maxTokens: 1000 }
            const { ms } = await simulate({
              ...{ seed: 3, settings: {}, cost, endless: true, crashes: new Set<number>() },
              requests: [first, second],
              workers: [worker],
            })
            const optimum = optimalRate({ cost, alpha, tokenMs, rttMs, maxRows: 64 })
            shares.push(second.maxTokens / (ms - second.atMs) / optimum)
          }
        }
      }
    }
    shares.sort((a, b) => a - b)
    const shown = [0, 0.1, 0.5].map((part) => shares[Math.floor(part * shares.length)]!.toFixed(3))
    console.log(`${shares.length} partnerships: least, tenth and median share of the optimum ${shown}`)
    expect(shares[0]).toBeGreaterThan(0.85)
    expect(shares[Math.floor(0.05 * shares.length)]).toBeGreaterThan(0.9)
    expect(shares[shares.length >> 1]).toBeGreaterThan(0.95)
  })

  it('lets go drafters that slow the Oracle by more than they bring, and keeps those that bring more', async () => {
    const run = async (alpha: number, drag: number) => {
      const worker = { ...WORKER, alpha, tokenMs: 7, delayMs: 0.2, jitterMs: 0.1 }
      const scenario: Scenario = {
        ...{ seed: 5, settings: {}, endless: true, crashes: new Set<number>(), drag },
        cost: TARGETS['2B, one old core'],
        requests: [{ ...ALONE, atMs: 3000, promptLength: 8, maxTokens: 1500 }],
        workers: [worker],
      }
      const alone = await simulate(scenario, { workers: false })
      const { rate, notNeeded } = await simulate(scenario)
      return { gain: rate / alone.rate, notNeeded }
    }
    const bad = await run(0.6, 0.5)
    expect(bad.gain).toBeGreaterThan(0.97)
    expect(bad.notNeeded).toBeGreaterThan(0)
    expect(await run(0.9, 0.1)).toMatchObject({ gain: expect.closeTo(1.4, 0), notNeeded: 0 })
  })

  it('loses nothing to Scouts with several requests on one core, where a row costs as much as a draft is worth', async () => {
    for (const cost of [TARGETS['2B, one core'], TARGETS['8B, one core']]) {
      for (const users of [4, 16]) {
        for (const delayMs of [0.2, 25]) {
          const worker = { ...WORKER, alpha: 0.9, tokenMs: cost(1) / 10, delayMs, jitterMs: delayMs / 10 }
          const request = { ...ALONE, atMs: 5000, promptLength: 6, maxTokens: 48 }
          const scenario: Scenario = {
            ...{ seed: 1, settings: { slots: 16 }, cost, endless: true, frameMs: 0.3 },
            requests: Array.from({ length: users }, () => request),
            workers: [worker, worker, worker, worker],
            crashes: new Set(),
          }
          const alone = await simulate(scenario, { workers: false })
          const { rate } = await simulate(scenario)
          expect(rate / alone.rate).toBeGreaterThan(0.995)
        }
      }
    }
  })

  it('is never below 0.97 of the Oracle alone, for whatever users, targets, links and Scouts', async () => {
    const drawn = 300
    let gained = 0
    for (let seed = 0; seed < drawn; seed++) {
      const scenario = together(seed)
      const alone = await simulate(scenario, { workers: false })
      const { rate } = await simulate(scenario)
      expect(rate / alone.rate, `scenario ${seed}`).toBeGreaterThan(0.97)
      if (rate > 1.1 * alone.rate) gained++
    }
    console.log(`${gained} of ${drawn} scenarios gained more than a tenth`)
    expect(gained).toBeGreaterThan(drawn / 3)
  })
})

/** Honest Scouts of any quality at any distance, long enough for what is learned to pay. */
function together(seed: number): Scenario {
  const draws = new Draws(seed + 77)
  const base = draws.pick([5, 20, 60, 150])
  const perRow = base * draws.pick([0, 0.02, 0.1, 0.3, 0.8])
  const step = draws.pick([1, 4, 8])
  const far = draws.pick([0.2, 5, 20, 60])
  const users = draws.pick([1, 1, 2, 4, 8])
  return {
    seed,
    endless: true,
    settings: { slots: 8 },
    cost: (rows, context) => base + perRow * step * Math.ceil(rows / step) + base * 1e-5 * context,
    requests: Array.from({ length: users }, () => ({
      ...ALONE,
      atMs: 3000,
      promptLength: draws.int(1, 40),
      maxTokens: 300,
    })),
    workers: Array.from({ length: draws.pick([1, 2, 4]) }, () => ({
      ...WORKER,
      alpha: draws.pick([0.1, 0.3, 0.6, 0.8, 0.95]),
      tokenMs: base * draws.pick([0.1, 0.3, 1]),
      delayMs: far * draws.between(0.5, 1.5),
      jitterMs: far * draws.pick([0, 0.1, 1]),
      loss: draws.pick([0, 0.01]),
      capacity: draws.pick([1, 4, 16]),
    })),
    crashes: new Set(),
  }
}
