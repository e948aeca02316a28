import { expect, it } from 'vitest'
import type { EmittedToken, Engine, SampleRequest } from '../../../shared/engine/engine.ts'
import { keyFromSeed } from '../../../shared/verify/noise.ts'
import { GREEDY, type SamplingSettings } from '../../../shared/verify/settings.ts'
import { walk } from '../../../shared/verify/walk.ts'
import { Random } from '../../support/random.ts'
import { randomGguf } from '../../support/random-gguf.ts'
import { oneByOne, randomTokens } from './numerics.ts'
import type { OpenEngine } from './open-engine.ts'

const SETTINGS: Readonly<Record<string, SamplingSettings>> = {
  greedy: GREEDY,
  'greedy with penalties and bias': {
    ...GREEDY,
    repetitionPenalty: 1.3,
    frequencyPenalty: 0.4,
    presencePenalty: 0.2,
    logitBias: [
      [7, 2],
      [300, -100],
    ],
  },
  'coupled, temperature 1': { ...GREEDY, temperature: 1 },
  'coupled with everything': {
    temperature: 0.7,
    topK: 40,
    topP: 0.92,
    minP: 0.02,
    repetitionPenalty: 1.1,
    frequencyPenalty: 0.1,
    presencePenalty: 0.3,
    logitBias: [[3, 1.5]],
  },
}
const PROMPT = 12
const LENGTH = 40
/** Between an engine that sums in float32 and one that sums in float64. */
const LOGPROB_DIGITS = 5

const request = (settings: SamplingSettings, over: Partial<SampleRequest> = {}): SampleRequest => ({
  settings,
  key: keyFromSeed(77n),
  promptLength: PROMPT,
  stopTokens: [],
  maxTokens: 1_000,
  topLogprobs: 3,
  ...over,
})

/** LENGTH tokens after the prompt, decoded one by one, each by `walk` over the logits that `forward` returns. */
async function decode(engine: Engine, prompt: readonly number[], sample: SampleRequest) {
  const sequence = await engine.createSequence()
  const tokens = [...prompt]
  const emitted: EmittedToken[] = []
  let feed = [...prompt]
  while (emitted.length < LENGTH) {
    const [logits] = await engine.forward([{ sequence, tokens: feed, logits: 'last' }])
    const [token] = walk(() => logits!, tokens, [], sample)
    emitted.push(token!)
    tokens.push(token!.id)
    feed = [token!.id]
  }
  await engine.releaseSequence(sequence)
  return emitted
}

function expectToken(actual: EmittedToken, expected: EmittedToken, what: string): void {
  expect(actual.id, what).toBe(expected.id)
  expect(actual.logprob, what).toBeCloseTo(expected.logprob, LOGPROB_DIGITS)
  expect(
    actual.top.map(({ id }) => id),
    what,
  ).toEqual(expected.top.map(({ id }) => id))
  for (const [i, { logprob }] of actual.top.entries()) {
    expect(logprob, what).toBeCloseTo(expected.top[i]!.logprob, LOGPROB_DIGITS)
  }
}

export function describeVerifying(open: OpenEngine): void {
  it.each(Object.entries(SETTINGS))(
    'emits the same text whatever is drafted: %s',
    async (_name, settings) => {
      const engine = await open(randomGguf({ seed: 21 }))
      const random = new Random(22)
      const prompt = randomTokens(23, PROMPT)
      const sample = request(settings)
      const alone = await decode(engine, prompt, sample)

      for (const goodness of [0, 0.5, 0.9, 1]) {
        const sequence = await engine.createSequence()
        const text: EmittedToken[] = []
        let tokens = prompt
        let confirmed = 0
        let drafted = 0
        while (text.length < LENGTH) {
          const ahead = alone.slice(text.length, text.length + 6).map(({ id }) => id)
          const drafts = ahead.map((id) => (random.uniform() < goodness ? id : random.integer(320)))
          const firstWrong = drafts.findIndex((id, i) => id !== ahead[i])
          const right = firstWrong < 0 ? drafts.length : firstWrong
          const [result] = await engine.verify([{ sequence, tokens, drafts, sample }])
          const { emitted } = result!
          expect(emitted).toHaveLength(right + 1)
          expect(emitted.map((token) => token.drafted)).toEqual([...Array(right).fill(true), false])
          text.push(...emitted)
          confirmed += right
          drafted += drafts.length
          tokens = [emitted.at(-1)!.id]
        }
        for (let i = 0; i < LENGTH; i++)
          expectToken(text[i]!, alone[i]!, `token ${i}, drafts ${goodness} right`)
        if (goodness > 0 && goodness < 1) {
          expect(confirmed).toBeGreaterThan(0)
          expect(confirmed).toBeLessThan(drafted)
        }
      }
      await engine.unload()
    },
  )

  it('verifies several sequences in one pass, each with its own settings, prefill among them', async () => {
    const engine = await open(randomGguf({ seed: 24 }))
    const prompts = [31, 32, 33].map((seed) => randomTokens(seed, PROMPT))
    const samples = Object.values(SETTINGS)
      .slice(1)
      .map((settings) => request(settings))
    const alone = await Promise.all(prompts.map((prompt, i) => decode(engine, prompt, samples[i]!)))
    const sequences = [
      await engine.createSequence(),
      await engine.createSequence(),
      await engine.createSequence(),
    ]
    const prefill = await engine.createSequence()
    const results = await engine.verify([
      ...prompts.map((prompt, i) => ({
        sequence: sequences[i]!,
        tokens: prompt,
        drafts: alone[i]!.slice(0, i + 1).map(({ id }) => id),
        sample: samples[i]!,
      })),
      { sequence: prefill, tokens: prompts[0]!, drafts: [] },
    ])
    for (const [i, { emitted }] of results.slice(0, 3).entries()) {
      expect(emitted.map(({ id }) => id)).toEqual(alone[i]!.slice(0, i + 2).map(({ id }) => id))
    }
    expect(results[3]).toEqual({ emitted: [] })
    const [next] = await engine.forward([{ sequence: prefill, tokens: [5], logits: 'last' }])
    const expected = await oneByOne(engine, [...prompts[0]!, 5])
    expect(next).toEqual(expected.at(-1))
    await engine.unload()
  })

  it('ends at stop tokens and at maxTokens, and forgets what lies past them', async () => {
    const engine = await open(randomGguf({ seed: 25 }))
    const prompt = randomTokens(34, PROMPT)
    const settings = SETTINGS['coupled, temperature 1']!
    const alone = await decode(engine, prompt, request(settings))
    const drafts = alone.slice(0, 6).map(({ id }) => id)
    const stop = drafts.findIndex((id, i) => i >= 2 && !drafts.slice(0, i).includes(id))
    expect(stop).toBeGreaterThan(0)
    for (const [over, length] of [
      [{ stopTokens: [drafts[stop]!] }, stop + 1],
      [{ maxTokens: 3 }, 3],
      [{ maxTokens: 1 }, 1],
    ] as const) {
      const sequence = await engine.createSequence()
      const [result] = await engine.verify([
        { sequence, tokens: prompt, drafts, sample: request(settings, over) },
      ])
      expect(result!.emitted.map(({ id }) => id)).toEqual(drafts.slice(0, length))
      expect(result!.emitted.every(({ drafted }) => drafted)).toBe(true)
      const base = drafts[length - 1]!
      const [next] = await engine.verify([
        { sequence, tokens: [base], drafts: [], sample: request(settings) },
      ])
      expectToken(next!.emitted[0]!, alone[length]!, `after ${length}`)
    }
    await engine.unload()
  })

  it('returns as many alternatives as asked for', async () => {
    const engine = await open(randomGguf({ seed: 26 }))
    for (const topLogprobs of [0, 1, 20]) {
      const sequence = await engine.createSequence()
      const [result] = await engine.verify([
        {
          sequence,
          tokens: [1, 2, 3],
          drafts: [],
          sample: request(GREEDY, { promptLength: 3, topLogprobs }),
        },
      ])
      const [token] = result!.emitted
      expect(token!.top).toHaveLength(topLogprobs)
      if (topLogprobs > 0) expect(token!.top[0]).toEqual({ id: token!.id, logprob: token!.logprob })
    }
    await engine.unload()
  })
}
