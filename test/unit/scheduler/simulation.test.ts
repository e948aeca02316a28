import { describe, expect, it } from 'vitest'
import { drawScenario, simulate } from '../../support/simulation.ts'

const SCENARIOS = 2000

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
})
