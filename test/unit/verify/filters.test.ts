import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { filter } from '../../../shared/verify/filters.ts'
import { LikeliestFirst } from '../../../shared/verify/likeliest.ts'
import { GREEDY, type SamplingSettings } from '../../../shared/verify/settings.ts'

const SAMPLED: SamplingSettings = { ...GREEDY, temperature: 1 }
const LOG = (...probabilities: number[]) => Float32Array.from(probabilities, Math.log)

function kept(logits: Float32Array, settings: Partial<SamplingSettings>) {
  const { ids, probabilities } = filter(logits, { ...SAMPLED, ...settings })
  return Object.fromEntries([...ids].map((id, i) => [id, probabilities[i]!]))
}

describe('filter', () => {
  it('turns logits into probabilities', () => {
    const p = kept(LOG(0.1, 0.2, 0.7), {})
    expect(p[0]).toBeCloseTo(0.1)
    expect(p[2]).toBeCloseTo(0.7)
  })

  it('divides by the temperature', () => {
    const p = kept(LOG(0.2, 0.8), { temperature: 0.5 })
    expect(p[0]).toBeCloseTo(0.04 / 0.68)
  })

  it('stays finite at tiny temperatures and huge logits', () => {
    const p = kept(Float32Array.of(3e38, -3e38, 1), { temperature: 1e-300 })
    expect(p).toEqual({ 0: 1, 1: 0, 2: 0 })
  })

  it('keeps the k likeliest, renormalised, ties to the lowest id', () => {
    const p = kept(LOG(0.2, 0.3, 0.2, 0.3), { topK: 3 })
    expect(Object.keys(p)).toEqual(['0', '1', '3'])
    expect(p[0]).toBeCloseTo(0.2 / 0.8)
  })

  it('keeps the smallest set that reaches p', () => {
    expect(Object.keys(kept(LOG(0.5, 0.3, 0.15, 0.05), { topP: 0.79 }))).toEqual(['0', '1'])
    expect(Object.keys(kept(LOG(0.5, 0.3, 0.15, 0.05), { topP: 0.81 }))).toEqual(['0', '1', '2'])
    expect(Object.keys(kept(LOG(0.5, 0.3, 0.2), { topP: 0 }))).toEqual(['0'])
  })

  it('applies top-p to what top-k left', () => {
    // Of all, 0.4 + 0.3 is 0.7; of the three likeliest (0.9), it is 0.78.
    expect(Object.keys(kept(LOG(0.4, 0.3, 0.2, 0.1), { topP: 0.75 }))).toEqual(['0', '1', '2'])
    expect(Object.keys(kept(LOG(0.4, 0.3, 0.2, 0.1), { topP: 0.75, topK: 3 }))).toEqual(['0', '1'])
  })

  it('keeps what reaches minP times the likeliest', () => {
    expect(Object.keys(kept(Float32Array.of(0, -0.5, -1, -2), { minP: 0.5 }))).toEqual(['0', '1'])
    expect(Object.keys(kept(Float32Array.of(0, 0, -1), { minP: 1 }))).toEqual(['0', '1'])
  })

  it('always leaves the likeliest, sums to 1, and equals the definition', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: -8, max: 8 }), { minLength: 1, maxLength: 40 }),
        fc.constantFrom(0, 1, 2, 5, 100),
        fc.constantFrom(0, 0.1, 0.5, 0.9, 1),
        fc.constantFrom(0, 0.05, 0.3, 1),
        fc.constantFrom(0.3, 1, 2),
        (steps, topK, topP, minP, temperature) => {
          const logits = Float32Array.from(steps, (step) => step / 2)
          const p = kept(logits, { topK, topP, minP, temperature })
          expect(Object.values(p).reduce((a, b) => a + b)).toBeCloseTo(1, 12)
          expect(Object.keys(p)).toEqual(Object.keys(define(logits, { topK, topP, minP, temperature })))
          const best = [...logits.keys()].sort((a, b) => logits[b]! - logits[a]! || a - b)[0]!
          expect(p[best]).toBeGreaterThan(0)
        },
      ),
      { seed: 1, numRuns: 500 },
    )
  })
})

/** The definition word for word: sort, cut, renormalise, three times. */
function define(
  logits: Float32Array,
  settings: { topK: number; topP: number; minP: number; temperature: number },
): Record<number, number> {
  const max = Math.max(...logits)
  let list = [...logits].map((logit, id) => ({ id, p: Math.exp((logit - max) / settings.temperature) }))
  const renormalise = () => {
    const total = list.reduce((sum, { p }) => sum + p, 0)
    list = list.map(({ id, p }) => ({ id, p: p / total }))
  }
  renormalise()
  list.sort((a, b) => b.p - a.p || a.id - b.id)
  if (settings.topK > 0) list = list.slice(0, settings.topK)
  renormalise()
  if (settings.topP < 1) {
    // A hair of slack: the code sums in another order.
    const mass = (i: number) => list.slice(0, i + 1).reduce((sum, { p }) => sum + p, 0)
    list = list.slice(0, 1 + list.findIndex((_, i) => mass(i) >= settings.topP - 1e-12) || list.length)
  }
  renormalise()
  const [likeliest] = list
  list = list.filter(({ p }) => p >= settings.minP * likeliest!.p * (1 - 1e-12))
  renormalise()
  return Object.fromEntries(list.map(({ id, p }) => [id, p]))
}

describe('LikeliestFirst', () => {
  it('sorts by score, then id', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 9 }), { maxLength: 50 }), (scores) => {
        const order = new LikeliestFirst(scores)
        const ids = scores.map(() => order.next())
        expect(ids).toEqual([...scores.keys()].sort((a, b) => scores[b]! - scores[a]! || a - b))
        expect(order.next()).toBe(-1)
      }),
      { seed: 2 },
    )
  })
})
