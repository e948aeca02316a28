import { describe, expect, it } from 'vitest'
import type { SampleRequest } from '../../../shared/engine/engine.ts'
import { keyFromSeed } from '../../../shared/verify/noise.ts'
import { TokenHistory } from '../../../shared/verify/penalties.ts'
import { chooseToken } from '../../../shared/verify/sample.ts'
import { GREEDY, type NoiseKey, type SamplingSettings } from '../../../shared/verify/settings.ts'
import { walk } from '../../../shared/verify/walk.ts'
import { chiSquare } from '../../support/chi-square.ts'
import { Random } from '../../support/random.ts'

/** A bigram model small enough to enumerate: the next token depends on the last one. */
const VOCABULARY = 6
const LENGTH = 3
const DRAWS = 60_000
/** The seeds are fixed, so a test that passes once passes always; a wrong rule gives p-values below 1e-100. */
const SIGNIFICANCE = 1e-3
const SAMPLED: SamplingSettings = { ...GREEDY, temperature: 0.8 }
const START = 0

type Bigram = readonly Float32Array[]

function bigram(seed: number): Bigram {
  const random = new Random(seed)
  return Array.from({ length: VOCABULARY }, () =>
    Float32Array.from({ length: VOCABULARY }, () => random.normal()),
  )
}

const TARGET = bigram(11)
const UNRELATED = bigram(12)
const NEAR: Bigram = TARGET.map((row, i) => row.map((logit, j) => logit + 0.3 * UNRELATED[i]![j]!))

function softmax(logits: ArrayLike<number>, temperature: number): number[] {
  const weights = Array.from(logits, (logit) => Math.exp(logit / temperature))
  const total = weights.reduce((a, b) => a + b)
  return weights.map((weight) => weight / total)
}

const P = TARGET.map((row) => softmax(row, SAMPLED.temperature))
const totalVariation = (p: number[], q: number[]) =>
  p.reduce((sum, value, i) => sum + Math.abs(value - q[i]!), 0) / 2

/** Drafts from position t on, after `last`; may know the key. */
type Drafter = (last: number, t: number, key: NoiseKey, random: Random) => number[]

/** What an honest Scout does: its own model, the shared noise. */
const honest =
  (model: Bigram): Drafter =>
  (last, t, key) => {
    const drafts: number[] = []
    for (let i = 0; i < LENGTH; i++) {
      const before = i === 0 ? last : drafts[i - 1]!
      drafts.push(chooseToken(model[before]!, SAMPLED, new TokenHistory(0), key, t + i))
    }
    return drafts
  }

const DRAFTERS: Record<string, Drafter> = {
  none: () => [],
  good: honest(NEAR),
  bad: honest(UNRELATED),
  random: (_last, _t, _key, random) => Array.from({ length: LENGTH }, () => random.integer(VOCABULARY)),
  // Knows target and key, and pushes one token wherever the target's own choice allows it, else the runner-up.
  adversarial: (last, t, key) => {
    const own = chooseToken(TARGET[last]!, SAMPLED, new TokenHistory(0), key, t)
    return own === 5 ? [5, 5, 5] : [(own + 1) % VOCABULARY, 5, 5]
  },
}

interface Account {
  accepted: number
  tested: number
}

/** LENGTH tokens after START by verifying passes over whatever the drafter says. */
function generate(
  settings: SamplingSettings,
  key: NoiseKey,
  drafter: Drafter,
  random: Random,
  account?: Account,
): number[] {
  const tokens = [START]
  while (tokens.length <= LENGTH) {
    const drafts = drafter(tokens.at(-1)!, tokens.length - 1, key, random)
    const path = [...tokens, ...drafts]
    const base = tokens.length - 1
    const request: SampleRequest = {
      settings,
      key,
      promptLength: 1,
      stopTokens: [],
      maxTokens: LENGTH - base,
      topLogprobs: 0,
    }
    const emitted = walk((row) => TARGET[path[base + row]!]!, tokens, drafts, request)
    if (account) {
      account.accepted += emitted.filter(({ drafted }) => drafted).length
      account.tested += Math.min(emitted.length, drafts.length)
    }
    tokens.push(...emitted.map(({ id }) => id))
  }
  return tokens.slice(1)
}

/** The rule that the white paper prints: accept with min(1, p/q), else sample from p (instead of max(0, p − q)). */
function generateWrongly(model: Bigram, random: Random): number[] {
  const draw = (p: number[]) => {
    let u = random.uniform()
    for (let id = 0; id < p.length; id++) {
      u -= p[id]!
      if (u < 0) return id
    }
    return p.length - 1
  }
  const tokens = [START]
  while (tokens.length <= LENGTH) {
    const p = P[tokens.at(-1)!]!
    const q = softmax(model[tokens.at(-1)!]!, SAMPLED.temperature)
    const draft = draw(q)
    tokens.push(random.uniform() < Math.min(1, p[draft]! / q[draft]!) ? draft : draw(p))
  }
  return tokens.slice(1)
}

const cellOf = (sequence: readonly number[]) => sequence.reduce((cell, id) => cell * VOCABULARY + id, 0)

/** Probability of every sequence of LENGTH tokens under the target. */
const EXPECTED = Array.from({ length: VOCABULARY ** LENGTH }, (_, cell) => {
  let probability = 1
  let before = START
  for (let i = LENGTH - 1; i >= 0; i--) {
    const id = Math.floor(cell / VOCABULARY ** i) % VOCABULARY
    probability *= P[before]![id]!
    before = id
  }
  return probability
})

function testDistribution(draw: (i: number) => number[]) {
  const counts = EXPECTED.map(() => 0)
  for (let i = 0; i < DRAWS; i++) counts[cellOf(draw(i))]!++
  return chiSquare(counts, EXPECTED)
}

describe('the distribution of what is emitted, coupled', () => {
  it.each(Object.entries(DRAFTERS))('is the target’s with a drafter: %s', (_name, drafter) => {
    const random = new Random(21)
    const { pValue, degrees } = testDistribution((i) =>
      generate(SAMPLED, keyFromSeed(BigInt(i)), drafter, random),
    )
    expect(degrees).toBeGreaterThan(100)
    expect(pValue).toBeGreaterThan(SIGNIFICANCE)
  })

  it.each([
    ['near', NEAR],
    ['unrelated', UNRELATED],
  ])(
    'negative control: sampling from p after a rejection fails the same test, draft model %s',
    (_, model) => {
      const random = new Random(22)
      const { pValue } = testDistribution(() => generateWrongly(model, random))
      expect(pValue).toBeLessThan(SIGNIFICANCE)
    },
  )

  it('negative control: accepting a draft that is merely likely fails the same test', () => {
    const random = new Random(23)
    const drafter = DRAFTERS.adversarial!
    const { pValue } = testDistribution((i) => {
      const key = keyFromSeed(BigInt(i))
      const sequence = generate(SAMPLED, key, drafter, random)
      const [draft] = drafter(START, 0, key, random)
      if (P[START]![draft!]! > 0.1) sequence[0] = draft!
      return sequence
    })
    expect(pValue).toBeLessThan(SIGNIFICANCE)
  })
})

describe('the text does not depend on the drafts', () => {
  it.each([
    ['greedy', GREEDY],
    ['coupled', SAMPLED],
    [
      'coupled with filters and penalties',
      { ...SAMPLED, topK: 4, topP: 0.9, minP: 0.02, presencePenalty: 1 },
    ],
  ])('%s', (_name, settings) => {
    const random = new Random(31)
    const accounts = Object.fromEntries(
      Object.keys(DRAFTERS).map((name) => [name, { accepted: 0, tested: 0 }]),
    )
    for (let seed = 0; seed < 2_000; seed++) {
      const key = keyFromSeed(BigInt(seed))
      const alone = generate(settings, key, DRAFTERS.none!, random)
      for (const [name, drafter] of Object.entries(DRAFTERS)) {
        expect(generate(settings, key, drafter, random, accounts[name]!)).toEqual(alone)
      }
    }
    for (const name of ['good', 'bad', 'random']) {
      const { accepted, tested } = accounts[name]!
      expect(tested, name).toBeGreaterThan(1_000)
      expect(accepted, `${name}: some accepted`).toBeGreaterThan(0)
      expect(accepted, `${name}: some rejected`).toBeLessThan(tested)
    }
  })
})

describe('the text would depend on the drafts', () => {
  it('negative control: a rule that takes any draft among the two likeliest', () => {
    const key = keyFromSeed(1n)
    const random = new Random(32)
    const alone = generate(GREEDY, key, DRAFTERS.none!, random)
    const second = [...P[START]!.keys()].sort((a, b) => P[START]![b]! - P[START]![a]!)[1]!
    const lenient = [second, ...generate(GREEDY, key, DRAFTERS.none!, random).slice(1)]
    expect(lenient).not.toEqual(alone)
    expect(generate(GREEDY, key, () => [second], random)).toEqual(alone)
  })
})

describe('acceptance', () => {
  it.each([
    ['near', NEAR],
    ['unrelated', UNRELATED],
  ])('lies between (1 − TV) / (1 + TV) and 1 − TV, draft model %s', (_name, model) => {
    for (let last = 0; last < VOCABULARY; last++) {
      let accepted = 0
      for (let i = 0; i < DRAWS; i++) {
        const key = keyFromSeed(BigInt(i * VOCABULARY + last))
        const history = new TokenHistory(0)
        const x = chooseToken(model[last]!, SAMPLED, history, key, 3)
        if (x === chooseToken(TARGET[last]!, SAMPLED, history, key, 3)) accepted++
      }
      const variation = totalVariation(P[last]!, softmax(model[last]!, SAMPLED.temperature))
      const rate = accepted / DRAWS
      const margin = 4 * Math.sqrt((rate * (1 - rate)) / DRAWS)
      expect(rate + margin).toBeGreaterThan((1 - variation) / (1 + variation))
      expect(rate - margin).toBeLessThan(1 - variation)
    }
  })
})

describe('chiSquare', () => {
  it('agrees with tabulated critical values', () => {
    // 95 % point of 1 degree of freedom is 3.841, of 10 degrees 18.307 (any table).
    const one = chiSquare([500 + 30.99, 500 - 30.99], [0.5, 0.5])
    expect(one.statistic).toBeCloseTo(3.841, 2)
    expect(one.pValue).toBeCloseTo(0.05, 3)
    const shift = Math.sqrt((18.307 * 100) / 2)
    const ten = chiSquare([100 + shift, 100 - shift, ...Array(9).fill(100)], Array(11).fill(1 / 11))
    expect(ten.degrees).toBe(10)
    expect(ten.pValue).toBeCloseTo(0.05, 3)
  })
})
