import { describe, expect, it } from 'vitest'
import { drawScenario } from '../../support/scenario.ts'
import { simulate } from '../../support/simulation.ts'

const SCENARIOS = 2000
const COMPARED = 500

describe('the scheduler in simulation', () => {
  it(`holds its invariants in ${SCENARIOS} drawn scenarios`, async () => {
    const sums = {
      emitted: 0,
      accepted: 0,
      rejected: 0,
      late: 0,
      rerouted: 0,
      passes: 0,
      waits: 0,
      notNeeded: 0,
    }
    for (let seed = 0; seed < SCENARIOS; seed++) {
      const result = await simulate(drawScenario(seed))
      for (const key of Object.keys(sums) as (keyof typeof sums)[]) sums[key] += result[key]
    }
    console.log(`${SCENARIOS} scenarios:`, JSON.stringify(sums))
    // A run in which drafts did not count, nobody was late and nobody was replaced would prove nothing.
    expect(sums.accepted).toBeGreaterThan(SCENARIOS)
    expect(sums.rejected).toBeGreaterThan(SCENARIOS / 2)
    for (const seldom of [sums.late, sums.rerouted, sums.waits, sums.notNeeded])
      expect(seldom).toBeGreaterThan(50)
  })

  it('costs little where workers are bad, and gains where they are good', async () => {
    let alone = 0
    let together = 0
    let worst = 0
    let slower = 0
    for (let seed = 0; seed < COMPARED; seed++) {
      const drawn = drawScenario(10_000 + seed)
      const scenario = {
        ...drawn,
        settings: { ...drawn.settings, forceDrafts: false },
        requests: drawn.requests.map((request) => ({ ...request, cancelMs: null })),
        crashes: new Set<number>(),
      }
      const { ms: aloneMs } = await simulate(scenario, { workers: false })
      const { ms } = await simulate(scenario)
      alone += aloneMs
      together += ms
      worst = Math.max(worst, ms / aloneMs)
      if (ms > 1.05 * aloneMs) slower++
    }
    const share = ((100 * together) / alone).toFixed(1)
    console.log(
      `${COMPARED} scenarios: ${share} % of the time that the Oracle alone takes; worst ${worst.toFixed(3)}`,
    )
    expect(together).toBeLessThan(alone)
    // One short run may pay for what it learns, and order its requests' passes less luckily; more than one in fifty must not.
    expect(worst).toBeLessThan(1.1)
    expect(slower).toBeLessThan(COMPARED / 50)
  })

  it('makes several tokens per pass with a good Scout near by', async () => {
    const scenario = {
      seed: 1,
      settings: {},
      cost: (rows: number, context: number) => 60 + 0.3 * rows + 1e-4 * context,
      requests: [{ atMs: 0, promptLength: 20, maxTokens: 300, cancelMs: null, stopAt: null, turns: 1 }],
      workers: [
        {
          behaviour: 'honest',
          alpha: 0.8,
          tokenMs: 5,
          delayMs: 2,
          jitterMs: 0.5,
          loss: 0,
          lifeMs: 0,
          capacity: 1,
        } as const,
      ],
      crashes: new Set<number>(),
    }
    const { ms: aloneMs } = await simulate(scenario, { workers: false })
    const { ms, emitted, passes } = await simulate(scenario)
    console.log(
      `α = 0.8, T = 60 ms, 5 ms a token: ${(aloneMs / ms).toFixed(2)}×, ${(emitted / passes).toFixed(2)} a pass`,
    )
    expect(aloneMs / ms).toBeGreaterThan(2)
  })
})
