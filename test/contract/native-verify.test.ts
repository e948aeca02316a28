import { describe, expect, test } from 'vitest'
import { toNativeRequest } from '../../native-host/engine/native-engine.ts'
import type { EmittedToken, SampleRequest } from '../../shared/engine/engine.ts'
import { TokenHistory } from '../../shared/verify/penalties.ts'
import { chooseToken } from '../../shared/verify/sample.ts'
import { GREEDY, type SamplingSettings } from '../../shared/verify/settings.ts'
import { threefry2x32 } from '../../shared/verify/threefry.ts'
import { walk } from '../../shared/verify/walk.ts'
import { builtAddon } from '../support/native-addon.ts'
import { Random } from '../support/random.ts'

const addon = builtAddon()

interface Vector {
  readonly logits: Float32Array
  readonly vocab: number
  readonly tokens: number[]
  readonly drafts: number[]
  readonly request: SampleRequest
}

/** A random pass: settings of every kind, drafts of which many are right, and rows with equal logits. */
function randomVector(seed: number): Vector {
  const random = new Random(seed)
  const vocab = random.pick([3, 17, 64, 300, 2000])
  const spread = random.pick([0.5, 2, 6])
  const level = random.uniform() < 0.2
  const maybe = <T>(value: () => T, off: T) => (random.uniform() < 0.5 ? off : value())
  const settings: SamplingSettings = {
    temperature: random.pick([0, 0.2, 0.7, 1, 1, 1.7]),
    topK: maybe(() => 1 + random.integer(random.pick([4, 50, vocab + 5])), 0),
    topP: maybe(() => random.pick([0.05, 0.5, 0.9, 0.99]), 1),
    minP: maybe(() => random.pick([0.01, 0.1, 0.5]), 0),
    repetitionPenalty: maybe(() => 1 + random.uniform(), 1),
    frequencyPenalty: maybe(() => 2 * random.uniform() - 0.5, 0),
    presencePenalty: maybe(() => 2 * random.uniform() - 0.5, 0),
    logitBias: maybe(
      () => Array.from({ length: 3 }, () => [random.integer(vocab), 10 * random.uniform() - 5] as const),
      [],
    ),
  }
  const tokens = Array.from({ length: 1 + random.integer(30) }, () => random.integer(Math.min(vocab, 12)))
  const request: SampleRequest = {
    settings,
    key: { lo: random.word(), hi: random.word() },
    promptLength: random.integer(tokens.length + 1),
    stopTokens: maybe(() => Array.from({ length: 2 }, () => random.integer(vocab)), []),
    maxTokens: random.pick([1, 2, 3, 1000]),
    topLogprobs: random.pick([0, 1, 5, 20]),
  }
  const count = random.integer(6)
  const logits = Float32Array.from({ length: (count + 1) * vocab }, () =>
    level ? random.integer(3) : spread * random.normal(),
  )
  const row = (i: number) => logits.subarray(i * vocab, (i + 1) * vocab)
  // Right guesses, so that walks go on, with some wrong ones.
  const drafts: number[] = []
  const history = new TokenHistory(request.promptLength)
  for (const token of tokens) history.push(token)
  for (let i = 0; i < count; i++) {
    const t = tokens.length + i - request.promptLength
    const right = chooseToken(row(i), settings, history, request.key, t)
    drafts.push(random.uniform() < 0.8 ? right : random.integer(vocab))
    history.push(drafts[i]!)
  }
  return { logits, vocab, tokens, drafts, request }
}

function native({ logits, vocab, tokens, drafts, request }: Vector): readonly EmittedToken[] {
  return addon.verifyLogits(
    logits,
    vocab,
    Int32Array.from(tokens),
    Int32Array.from(drafts),
    toNativeRequest(request),
  )
}

function typescript({ logits, vocab, tokens, drafts, request }: Vector): EmittedToken[] {
  return walk((i) => logits.subarray(i * vocab, (i + 1) * vocab), tokens, drafts, request)
}

/** Ids and flags exactly; log-probabilities up to the last bits, in which two libraries' exp may differ. */
/** Log-probabilities describe what was chosen and choose nothing: the native engine's are summed in float32. */
const LOGPROB_DIGITS = 5

function expectEqual(got: readonly EmittedToken[], wanted: readonly EmittedToken[], what: string): void {
  expect(
    got.map(({ id, drafted, top }) => [id, drafted, top.map((entry) => entry.id)]),
    what,
  ).toEqual(wanted.map(({ id, drafted, top }) => [id, drafted, top.map((entry) => entry.id)]))
  for (const [i, token] of got.entries()) {
    expect(token.logprob, what).toBeCloseTo(wanted[i]!.logprob, LOGPROB_DIGITS)
    for (const [j, entry] of token.top.entries())
      expect(entry.logprob, what).toBeCloseTo(wanted[i]!.top[j]!.logprob, LOGPROB_DIGITS)
  }
}

describe('verification in C++ and in TypeScript', () => {
  test('agree on 2,000 random passes', () => {
    const lengths = new Map<number, number>()
    for (let seed = 1; seed <= 2000; seed++) {
      const vector = randomVector(seed)
      const wanted = typescript(vector)
      expectEqual(native(vector), wanted, `seed ${seed}`)
      lengths.set(wanted.length, (lengths.get(wanted.length) ?? 0) + 1)
    }
    // The vectors must have walked far, and stopped early, often enough to mean anything.
    expect(lengths.get(1)).toBeGreaterThan(100)
    expect([...lengths].filter(([length]) => length >= 3).reduce((sum, [, n]) => sum + n, 0)).toBeGreaterThan(
      200,
    )
  })

  test('agree on a vocabulary of 150,000', () => {
    const vocab = 150_000
    const random = new Random(7)
    const logits = Float32Array.from({ length: vocab }, () => 3 * random.normal())
    for (const settings of [
      { ...GREEDY },
      { ...GREEDY, temperature: 1 },
      { ...GREEDY, temperature: 0.8, topK: 40 },
      { ...GREEDY, temperature: 1, topP: 0.95 },
      { ...GREEDY, temperature: 1, topP: 0.9, minP: 0.02, topK: 5000 },
      { ...GREEDY, temperature: 1.3, minP: 0.01 },
    ]) {
      for (let t = 0; t < 4; t++) {
        const vector: Vector = {
          logits,
          vocab,
          tokens: Array.from({ length: t + 1 }, () => 1),
          drafts: [],
          request: {
            settings,
            key: { lo: 1, hi: 2 },
            promptLength: 1,
            stopTokens: [],
            maxTokens: 1,
            topLogprobs: 20,
          },
        }
        expectEqual(native(vector), typescript(vector), JSON.stringify(settings))
      }
    }
  })

  test('share the noise', () => {
    const random = new Random(3)
    const out = new Uint32Array(2)
    for (let i = 0; i < 1000; i++) {
      const words = [random.word(), random.word(), random.word(), random.word()] as const
      threefry2x32(...words, out)
      expect(addon.threefry2x32(...words)).toEqual(out)
    }
    // Random123's kat_vectors for threefry2x32 with 20 rounds.
    expect([...addon.threefry2x32(0, 0, 0, 0)]).toEqual([0x6b200159, 0x99ba4efe])
    expect([...addon.threefry2x32(0x13198a2e, 0x03707344, 0x243f6a88, 0x85a308d3)]).toEqual([
      0xc4923a9c, 0x483df7a0,
    ])
  })
})

describe('rows that no model should compute', () => {
  const request = toNativeRequest({
    settings: { ...GREEDY, temperature: 1, topK: 3, topP: 0.9 },
    key: { lo: 1, hi: 2 },
    promptLength: 1,
    stopTokens: [],
    maxTokens: 1,
    topLogprobs: 2,
  })
  const one = Int32Array.of(0)
  const none = new Int32Array(0)

  test.each([
    ['NaN everywhere', [Number.NaN, Number.NaN, Number.NaN, Number.NaN]],
    ['one NaN', [1, Number.NaN, 0, 2]],
    ['infinity', [0, Number.POSITIVE_INFINITY, 0, 0]],
    ['minus infinity everywhere', [-1 / 0, -1 / 0, -1 / 0, -1 / 0]],
  ])('%s still gives a token', (_, row) => {
    const [token] = addon.verifyLogits(Float32Array.from(row), 4, one, none, request)
    expect(token!.id).toBeGreaterThanOrEqual(0)
    expect(token!.id).toBeLessThan(4)
    expect(token!.logprob).not.toBeNaN()
    if (row[1] === Number.POSITIVE_INFINITY) expect(token!.id).toBe(1)
    if (Number.isNaN(row[1]!) && row[0] === 1) expect(token!.id).not.toBe(1)
  })

  test.each([
    ['temperature', { temperature: Number.NaN }],
    ['temperature', { temperature: -1 }],
    ['topP', { topP: 1.5 }],
    ['repetitionPenalty', { repetitionPenalty: 0 }],
    ['logitBias', { logitBias: [[0, Number.POSITIVE_INFINITY]] as [number, number][] }],
  ])('a %s out of range is refused', (name, settings) => {
    const wrong = { ...request, settings: { ...request.settings, ...settings } }
    expect(() => addon.verifyLogits(new Float32Array(4), 4, one, none, wrong)).toThrow(name)
  })
})
