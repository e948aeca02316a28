import { describe, expect, it } from 'vitest'
import { curve } from '../../support/curve.ts'
import { optimalRate } from '../../support/optimum.ts'
import type { Scenario } from '../../support/scenario.ts'
import { type Round, simulate } from '../../support/simulation.ts'

/** Milliseconds of a pass by rows, as measured on one core of a Zen 3 (AVX2). */
const TARGETS = {
  '2B': { cost: curve([1, 45.2], [2, 54], [3, 71], [4, 86], [8, 167], [16, 330]), tokens: 32 },
  '8B': { cost: curve([1, 115], [2, 184], [4, 300], [8, 577], [16, 1140]), tokens: 24 },
}
/** What a frame costs the Oracle's core when the first Scouts come, measured there: code that was hardly run before. */
const FRAME_MS = 0.9
/** Tokens that a Scout drafts while the Oracle makes one. */
const SPEED = 10
const ROUNDS = 6
const SEEDS = 24

interface Cell {
  readonly target: keyof typeof TARGETS
  readonly alpha: number
  readonly rttMs: number
  readonly scouts: number
  /** What a frame costs the Oracle's core; default `FRAME_MS`. */
  readonly frameMs?: number
}

/** One user asks for short answers, one after the other, of an Oracle that meets its Scouts with the first of them. */
function encounter({ target, alpha, rttMs, scouts, frameMs = FRAME_MS }: Cell, seed: number): Scenario {
  const { cost, tokens } = TARGETS[target]
  const request = { promptLength: 8, maxTokens: tokens, cancelMs: null, stopAt: null, turns: 1 }
  // As the benchmark's links: 5 % jitter one way and 1 % loss where there is a distance.
  const link = { delayMs: 0.45 * rttMs, jitterMs: 0.1 * rttMs, loss: rttMs > 0 ? 0.01 : 0 }
  return {
    ...{ seed, cost, endless: true, frameMs, pauseMs: 4000, crashes: new Set<number>() },
    settings: { slots: 1 },
    requests: Array.from({ length: ROUNDS }, (_, round) => ({
      ...request,
      atMs: round === 0 ? 5000 : 0,
      round,
    })),
    workers: Array.from({ length: scouts }, () => ({
      ...{ behaviour: 'honest' as const, lifeMs: 0, capacity: 16, alpha, tokenMs: cost(1) / SPEED },
      ...link,
    })),
  }
}

/** Means over the seeds: as many times faster than alone, and what the time went into, as shares of that alone. */
interface Encounter {
  readonly first: number
  readonly later: number
  readonly spent: { readonly waits: number; readonly rows: number; readonly frames: number }
  readonly saved: number
}

async function meet(cell: Cell): Promise<Encounter> {
  const gains: number[][] = Array.from({ length: ROUNDS }, () => [])
  const sums = { waits: 0, rows: 0, frames: 0, saved: 0, alone: 0 }
  for (let seed = 0; seed < SEEDS; seed++) {
    const scenario = encounter(cell, seed)
    const alone = await simulate(scenario, { workers: false })
    const { rounds } = await simulate(scenario)
    for (const [i, round] of rounds.entries()) {
      const aloneMs = alone.rounds[i]!.writingMs
      gains[i]!.push(aloneMs / round.writingMs)
      sums.alone += aloneMs
      sums.waits += waitedMs(scenario, round, i)
      sums.rows += round.times.drafts
      sums.frames += round.times.drag
      sums.saved += round.drafted * scenario.cost(1, 0)
    }
  }
  const share = (key: keyof typeof sums) => sums[key] / sums.alone
  return {
    first: mean(gains[0]!),
    later: mean(gains.slice(1).flat()),
    spent: { waits: share('waits'), rows: share('rows'), frames: share('frames') },
    saved: share('saved'),
  }
}

/** What is left of a round's time beside its passes, and before it. */
function waitedMs({ requests }: Scenario, { ms, times }: Round, round: number): number {
  return ms - requests[round]!.atMs - times.own - times.drafts - times.drag
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}

function told({ target, alpha, rttMs, scouts }: Cell, { first, later, spent, saved }: Encounter): string {
  const percent = (share: number) => `${(100 * share).toFixed(1)} %`
  const parts = Object.entries(spent).map(([what, share]) => `${what} ${percent(share)}`)
  const who = `${target}, α ${alpha}, RTT ${rttMs}, ${scouts} Scouts`
  return `${who}: ${first.toFixed(3)} at first, ${later.toFixed(3)} later; ${parts.join(', ')}, saved ${percent(saved)}`
}

describe('short answers with Scouts that nobody knows yet', () => {
  const poor: readonly Cell[] = [
    { target: '2B', alpha: 0.6, rttMs: 100, scouts: 1 },
    { target: '2B', alpha: 0.6, rttMs: 100, scouts: 4 },
    { target: '8B', alpha: 0.6, rttMs: 0, scouts: 1 },
    { target: '8B', alpha: 0.6, rttMs: 0, scouts: 4 },
  ]
  it.each(poor)(
    'lose next to nothing where there is little to gain: $target, $scouts Scouts',
    async (cell) => {
      const encountered = await meet(cell)
      console.log(told(cell, encountered))
      const { first, later, spent } = encountered
      expect(first).toBeGreaterThan(0.97)
      expect(later).toBeGreaterThan(0.98)
      // Frames are most of what is lost: they must stay few. Waits at such a distance must not be.
      expect(spent.frames).toBeLessThan(0.06)
      expect(spent.waits).toBeLessThan(0.005)
    },
  )

  it.each<Cell & { least: number }>([
    { target: '2B', alpha: 0.75, rttMs: 0, scouts: 1, frameMs: 6, least: 1.07 },
    { target: '8B', alpha: 0.9, rttMs: 0, scouts: 1, frameMs: 9, least: 1.15 },
    { target: '2B', alpha: 0.6, rttMs: 0, scouts: 1, frameMs: 9, least: 0.97 },
  ])(
    'with drafters on the Oracle’s own core gain where these are good, and lose little where not: $target, α $alpha',
    async (cell) => {
      const encountered = await meet(cell)
      console.log(told(cell, encountered))
      expect(encountered.later).toBeGreaterThan(cell.least)
    },
  )

  it('reach nine tenths of the optimum once they have met, near and far', async () => {
    const { cost } = TARGETS['2B']
    for (const rttMs of [0, 100]) {
      for (const alpha of [0.6, 0.9]) {
        const cell: Cell = { target: '2B', alpha, rttMs, scouts: 1 }
        const encountered = await meet(cell)
        const optimum = cost(1) * optimalRate({ cost, alpha, tokenMs: cost(1) / SPEED, rttMs, maxRows: 64 })
        console.log(`${told(cell, encountered)}; optimum ${optimum.toFixed(3)}`)
        expect(encountered.later / optimum).toBeGreaterThan(0.9)
      }
    }
  })
})
