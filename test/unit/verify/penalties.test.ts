import { describe, expect, it } from 'vitest'
import { changesLogits, penalise, TokenHistory } from '../../../shared/verify/penalties.ts'
import { GREEDY } from '../../../shared/verify/settings.ts'

/** Prompt 0 1, output 1 2 2. */
function history() {
  const tokens = new TokenHistory(2)
  for (const token of [0, 1, 1, 2, 2]) tokens.push(token)
  return tokens
}
const LOGITS = Float32Array.of(2, -2, 4, 1)

describe('penalise', () => {
  it('repetition: divides positive and multiplies negative logits of prompt and output, once each', () => {
    const out = penalise(LOGITS, { ...GREEDY, repetitionPenalty: 2 }, history())
    expect([...out]).toEqual([1, -4, 2, 1])
  })

  it('frequency: per occurrence in the output only', () => {
    const out = penalise(LOGITS, { ...GREEDY, frequencyPenalty: 0.5 }, history())
    expect([...out]).toEqual([2, -2.5, 3, 1])
  })

  it('presence: once per token of the output only', () => {
    const out = penalise(LOGITS, { ...GREEDY, presencePenalty: 0.5 }, history())
    expect([...out]).toEqual([2, -2.5, 3.5, 1])
  })

  it('applies repetition, then frequency and presence, then bias', () => {
    const settings = {
      ...GREEDY,
      repetitionPenalty: 2,
      frequencyPenalty: 0.25,
      presencePenalty: 1,
      logitBias: [
        [2, 10],
        [3, -1],
        [4, 5],
      ] as const,
    }
    expect([...penalise(LOGITS, settings, history())]).toEqual([1, -5.25, 10.5, 0])
  })

  it('leaves the logits it was given', () => {
    penalise(LOGITS, { ...GREEDY, logitBias: [[0, 1]] }, history())
    expect([...LOGITS]).toEqual([2, -2, 4, 1])
  })

  it('is not needed without penalties and bias', () => {
    expect(changesLogits({ ...GREEDY, temperature: 1, topK: 4, topP: 0.5, minP: 0.1 })).toBe(false)
    expect(changesLogits({ ...GREEDY, presencePenalty: -1 })).toBe(true)
  })
})
