import { describe, expect, it } from 'vitest'
import type { SampleRequest } from '../../../shared/engine/engine.ts'
import { keyFromSeed } from '../../../shared/verify/noise.ts'
import { TokenHistory } from '../../../shared/verify/penalties.ts'
import { chooseToken } from '../../../shared/verify/sample.ts'
import { GREEDY } from '../../../shared/verify/settings.ts'
import { walk } from '../../../shared/verify/walk.ts'

const REQUEST: SampleRequest = {
  settings: GREEDY,
  key: keyFromSeed(1n),
  promptLength: 2,
  stopTokens: [],
  maxTokens: 100,
  topLogprobs: 0,
}

/** Row i's likeliest token is `likeliest[i]`, of 8. */
const rows = (likeliest: number[]) => (index: number) => {
  const row = new Float32Array(8)
  row[likeliest[index]!] = 5
  return row
}
const ids = (emitted: readonly { id: number }[]) => emitted.map(({ id }) => id)

describe('walk, greedy', () => {
  it('emits one token without drafts', () => {
    const emitted = walk(rows([3]), [0, 1], [], REQUEST)
    expect(ids(emitted)).toEqual([3])
    expect(emitted[0]!.drafted).toBe(false)
  })

  it('accepts drafts and ends with the correction', () => {
    const emitted = walk(rows([3, 4, 5, 6]), [0, 1], [3, 4, 7], REQUEST)
    expect(ids(emitted)).toEqual([3, 4, 5])
    expect(emitted.map(({ drafted }) => drafted)).toEqual([true, true, false])
  })

  it('emits one more token when every draft is right', () => {
    const emitted = walk(rows([3, 4, 5]), [0, 1], [3, 4], REQUEST)
    expect(ids(emitted)).toEqual([3, 4, 5])
    expect(emitted[2]!.drafted).toBe(false)
  })

  it('asks for no row past the first difference', () => {
    const asked: number[] = []
    const row = rows([3, 4, 5])
    walk(
      (index) => {
        asked.push(index)
        return row(index)
      },
      [0, 1],
      [2, 4],
      REQUEST,
    )
    expect(asked).toEqual([0])
  })

  it('ends with a stop token, drafted or not', () => {
    const emitted = walk(rows([3, 4, 5]), [0, 1], [3, 4], { ...REQUEST, stopTokens: [4] })
    expect(ids(emitted)).toEqual([3, 4])
    expect(emitted[1]!.drafted).toBe(true)
  })

  it('ends after maxTokens', () => {
    const emitted = walk(rows([3, 4, 5]), [0, 1], [3, 4], { ...REQUEST, maxTokens: 1 })
    expect(ids(emitted)).toEqual([3])
  })

  it('returns log-probabilities of the raw logits, not of the penalised ones', () => {
    const settings = { ...GREEDY, logitBias: [[2, 100]] as const }
    const [token] = walk(rows([3]), [0, 1], [], { ...REQUEST, settings, topLogprobs: 2 })
    const normaliser = Math.log(Math.exp(5) + 7)
    expect(token!.id).toBe(2)
    expect(token!.logprob).toBeCloseTo(-normaliser, 12)
    expect(token!.top.map(({ id }) => id)).toEqual([3, 0])
    expect(token!.top[0]!.logprob).toBeCloseTo(5 - normaliser, 12)
  })
})

describe('walk, penalties', () => {
  it('counts the drafts before a row on the path', () => {
    const row = () => Float32Array.of(0, 0, 0, 1, 0.9, 0.8)
    const settings = { ...GREEDY, presencePenalty: 5 }
    expect(ids(walk(row, [0, 1], [3, 4], { ...REQUEST, settings }))).toEqual([3, 4, 5])
  })

  it('does not count prompt tokens as output', () => {
    const row = () => Float32Array.of(0, 0, 0, 1, 0.9, 0.8)
    const settings = { ...GREEDY, presencePenalty: 5 }
    expect(ids(walk(row, [3, 4], [], { ...REQUEST, settings }))).toEqual([3])
    expect(ids(walk(row, [3, 4, 3], [], { ...REQUEST, settings }))).toEqual([4])
  })
})

describe('walk, coupled', () => {
  it('numbers generated tokens from 0 at the end of the prompt', () => {
    const settings = { ...GREEDY, temperature: 1 }
    const row = () => Float32Array.of(0, 0.5, 1, 1.5, 2, 0.1, 0.2, 0.3)
    for (let seed = 0n; seed < 50n; seed++) {
      const key = keyFromSeed(seed)
      const expected = [0, 1, 2].map((t) => chooseToken(row(), settings, new TokenHistory(2), key, t))
      const emitted = walk(row, [0, 1], expected.slice(0, 2), { ...REQUEST, settings, key })
      expect(ids(emitted)).toEqual(expected)
    }
  })
})
