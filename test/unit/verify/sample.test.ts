import { describe, expect, it } from 'vitest'
import { filter } from '../../../shared/verify/filters.ts'
import { gumbel } from '../../../shared/verify/noise.ts'
import { TokenHistory } from '../../../shared/verify/penalties.ts'
import { chooseToken } from '../../../shared/verify/sample.ts'
import { GREEDY, type NoiseKey, type SamplingSettings } from '../../../shared/verify/settings.ts'
import { Random } from '../../support/random.ts'

/** The rule as it is defined: every candidate gets its noise. */
function byDefinition(logits: Float32Array, settings: SamplingSettings, key: NoiseKey, t: number): number {
  const { ids, logWeights } = filter(logits, settings)
  const scores = Array.from(ids, (id, i) => ({ id, score: logWeights[i]! + gumbel(key, t, id) }))
  return scores.reduce((a, b) => (b.score > a.score || (b.score === a.score && b.id < a.id) ? b : a)).id
}

describe('chooseToken', () => {
  it.each([0.2, 1, 3])('passes over nobody who could win, at temperature %d', (temperature) => {
    const random = new Random(5)
    const chosen = new Set<boolean>()
    for (let round = 0; round < 300; round++) {
      const spread = random.pick([0.1, 3, 15])
      const logits = Float32Array.from({ length: 500 }, () => spread * random.normal())
      const settings = {
        ...GREEDY,
        temperature,
        topP: random.pick([1, 1, 0.9]),
        minP: random.pick([0, 0, 0.01]),
      }
      const key = { lo: random.word(), hi: random.word() }
      const id = chooseToken(logits, settings, new TokenHistory(0), key, round)
      expect(id).toBe(byDefinition(logits, settings, key, round))
      chosen.add(logits.every((logit) => logit <= logits[id]!))
    }
    // The likeliest must have won sometimes, and lost sometimes.
    expect(chosen.size).toBe(2)
  })

  it('gives equal scores to the lowest id', () => {
    const logits = new Float32Array(40)
    const key = { lo: 9, hi: 9 }
    const noise = Array.from(logits, (_, id) => gumbel(key, 0, id))
    const best = noise.indexOf(Math.max(...noise))
    expect(chooseToken(logits, { ...GREEDY, temperature: 1 }, new TokenHistory(0), key, 0)).toBe(best)
  })
})
