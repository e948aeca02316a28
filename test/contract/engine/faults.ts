import { expect, it } from 'vitest'
import type { Engine, PassItem, SampleRequest } from '../../../shared/engine/engine.ts'
import type { EngineErrorCode } from '../../../shared/engine/engine-error.ts'
import { parseGguf } from '../../../shared/engine/gguf.ts'
import { keyFromSeed } from '../../../shared/verify/noise.ts'
import { GREEDY } from '../../../shared/verify/settings.ts'
import { randomGguf } from '../../support/random-gguf.ts'
import { oneByOne, randomTokens } from './numerics.ts'
import type { OpenEngine } from './open-engine.ts'

const SAMPLE: SampleRequest = {
  settings: GREEDY,
  key: keyFromSeed(1n),
  promptLength: 0,
  stopTokens: [],
  maxTokens: 1,
  topLogprobs: 0,
}
const CONTEXT = 256
const LIMITS = { maxSequences: 4, maxRows: 64 }

const withCode = (code: EngineErrorCode) => expect.objectContaining({ name: 'EngineError', code })

/** The sequence holds exactly these tokens: the next row's bits say so. */
async function expectHolds(engine: Engine, sequence: number, tokens: readonly number[]): Promise<void> {
  const [row] = await engine.forward([{ sequence, tokens: [9], logits: 'last' }])
  await engine.truncate(sequence, tokens.length)
  const expected = await oneByOne(engine, [...tokens, 9])
  expect(row).toEqual(expected.at(-1))
}

export function describeFaults(open: OpenEngine): void {
  it('refuses batches that are not whole, and changes nothing', async () => {
    const engine = await open(randomGguf({ seed: 41 }), LIMITS)
    expect(engine.info).toMatchObject(LIMITS)
    const sequence = await engine.createSequence()
    const tokens = [1, 2, 3]
    await engine.forward([{ sequence, tokens, logits: 'none' }])
    const forwards: [EngineErrorCode, Parameters<Engine['forward']>[0]][] = [
      ['BATCH_INVALID', []],
      ['BATCH_INVALID', [{ sequence, tokens: [], logits: 'last' }]],
      ['BATCH_INVALID', [{ sequence, tokens: [320], logits: 'last' }]],
      ['BATCH_INVALID', [{ sequence, tokens: [-1], logits: 'last' }]],
      ['BATCH_INVALID', [{ sequence, tokens: [1.5], logits: 'last' }]],
      ['BATCH_INVALID', [{ sequence, tokens: randomTokens(1, 65), logits: 'none' }]],
      ['BATCH_INVALID', [{ sequence, tokens: [1], parents: [-1], logits: 'last' }]],
      [
        'BATCH_INVALID',
        [
          { sequence, tokens: [1], logits: 'last' },
          { sequence, tokens: [1], logits: 'last' },
        ],
      ],
      ['SEQUENCE_UNKNOWN', [{ sequence: sequence + 1, tokens: [1], logits: 'last' }]],
      [
        'SEQUENCE_UNKNOWN',
        [
          { sequence, tokens: [1], logits: 'last' },
          { sequence: sequence + 1, tokens: [1], logits: 'last' },
        ],
      ],
    ]
    for (const [code, items] of forwards) {
      await expect(engine.forward(items), JSON.stringify(items)).rejects.toEqual(withCode(code))
    }
    const passes: Partial<PassItem>[] = [
      { drafts: [1] },
      { drafts: [320], sample: SAMPLE },
      { parents: [-1], drafts: [1], sample: SAMPLE },
      { sample: { ...SAMPLE, maxTokens: 0 } },
      { sample: { ...SAMPLE, topLogprobs: 21 } },
      { sample: { ...SAMPLE, promptLength: 5 } },
      { drafts: randomTokens(1, 64), sample: SAMPLE },
    ]
    for (const pass of passes) {
      const items = [{ sequence, tokens: [1], drafts: [], ...pass }]
      await expect(engine.verify(items), JSON.stringify(pass)).rejects.toEqual(withCode('BATCH_INVALID'))
    }
    await expectHolds(engine, sequence, tokens)
    await engine.unload()
  })

  it('keeps to the context', async () => {
    const engine = await open(randomGguf({ seed: 42 }))
    const sequence = await engine.createSequence()
    const tokens = randomTokens(2, CONTEXT)
    await engine.forward([{ sequence, tokens: tokens.slice(0, -1), logits: 'none' }])
    const over = { sequence, tokens: tokens.slice(-1), drafts: [1], sample: SAMPLE }
    await expect(engine.verify([over])).rejects.toEqual(withCode('CONTEXT_FULL'))
    const [result] = await engine.verify([{ ...over, drafts: [] }])
    expect(result!.emitted).toHaveLength(1)
    await expect(engine.forward([{ sequence, tokens: [1], logits: 'last' }])).rejects.toEqual(
      withCode('CONTEXT_FULL'),
    )
    await engine.unload()
  })

  it('opens as many sequences as it says, and never gives an id twice', async () => {
    const engine = await open(randomGguf({ seed: 43 }), LIMITS)
    const ids: number[] = []
    for (let i = 0; i < LIMITS.maxSequences; i++) ids.push(await engine.createSequence())
    await expect(engine.createSequence()).rejects.toEqual(withCode('SEQUENCE_LIMIT'))
    await engine.releaseSequence(ids[1]!)
    const next = await engine.createSequence()
    expect(ids).not.toContain(next)
    for (const call of [
      () => engine.releaseSequence(ids[1]!),
      () => engine.truncate(ids[1]!, 0),
      () => engine.copyPrefix(ids[1]!, next, 0),
      () => engine.copyPrefix(next, ids[1]!, 0),
    ]) {
      await expect(call()).rejects.toEqual(withCode('SEQUENCE_UNKNOWN'))
    }
    for (const length of [-1, 1, 0.5]) {
      await expect(engine.truncate(next, length)).rejects.toEqual(withCode('BATCH_INVALID'))
      await expect(engine.copyPrefix(next, ids[0]!, length)).rejects.toEqual(withCode('BATCH_INVALID'))
    }
    await engine.unload()
  })

  it('runs calls in the order in which they came', async () => {
    const engine = await open(randomGguf({ seed: 44 }))
    const sequence = await engine.createSequence()
    const calls = [
      engine.forward([{ sequence, tokens: [1, 2, 3], logits: 'none' }]),
      engine.truncate(sequence, 2),
      engine.forward([{ sequence, tokens: [4], logits: 'none' }]),
    ]
    await Promise.all(calls)
    await expectHolds(engine, sequence, [1, 2, 4])
    await engine.unload()
  })

  it('an aborted call fails with ABORTED and leaves its sequence as it was', async () => {
    const engine = await open(randomGguf({ seed: 45 }))
    const sequence = await engine.createSequence()
    const tokens = [1, 2, 3]
    await engine.forward([{ sequence, tokens, logits: 'none' }])
    const item = { sequence, tokens: randomTokens(3, 200), logits: 'all' } as const
    const gone = { signal: AbortSignal.abort() }
    await expect(engine.forward([item], gone)).rejects.toEqual(withCode('ABORTED'))
    await expect(
      engine.verify([{ sequence, tokens: [1], drafts: [], sample: SAMPLE }], gone),
    ).rejects.toEqual(withCode('ABORTED'))

    // Waiting behind a long pass.
    const other = await engine.createSequence()
    const abort = new AbortController()
    const long = engine.forward([{ ...item, sequence: other }])
    const waiting = engine.forward([item], { signal: abort.signal })
    abort.abort()
    await expect(waiting).rejects.toEqual(withCode('ABORTED'))
    await long
    await expectHolds(engine, sequence, tokens)

    // In mid-pass: whichever comes first, the pass's end or the abort, the two sides agree on it.
    const running = new AbortController()
    const pass = engine.forward([item], { signal: running.signal })
    setTimeout(() => running.abort(), 5)
    const length = await pass.then(
      () => tokens.length + item.tokens.length,
      (error) => {
        expect(error).toEqual(withCode('ABORTED'))
        return tokens.length
      },
    )
    await expectHolds(engine, sequence, [...tokens, ...item.tokens].slice(0, length))
    await engine.unload()
  })

  it('is of no use once unloaded', async () => {
    const engine = await open(randomGguf({ seed: 46 }))
    const sequence = await engine.createSequence()
    await engine.unload()
    for (const call of [
      () => engine.createSequence(),
      () => engine.releaseSequence(sequence),
      () => engine.truncate(sequence, 0),
      () => engine.copyPrefix(sequence, sequence, 0),
      () => engine.forward([{ sequence, tokens: [1], logits: 'last' }]),
      () => engine.verify([{ sequence, tokens: [1], drafts: [] }]),
      () => engine.unload(),
    ]) {
      await expect(call()).rejects.toEqual(withCode('UNLOADED'))
    }
  })

  /** Every other gain of the last norm becomes this. */
  const withGain = (value: number) => {
    const bytes = randomGguf({ seed: 48 })
    const gains = parseGguf(bytes).tensors.get('output_norm.weight')!.data
    const view = new DataView(gains.buffer, gains.byteOffset)
    for (let i = 0; i < gains.length; i += 8) view.setFloat32(i, value, true)
    return bytes
  }
  it.each([Number.NaN, Infinity, -Infinity])('refuses weights of %s', async (value) => {
    await expect(open(withGain(value))).rejects.toEqual(withCode('GGUF_INVALID'))
  })

  it('emits a token even when the logits overflow', async () => {
    const bytes = withGain(3e38)
    const engine = await open(bytes)
    for (const settings of [GREEDY, { ...GREEDY, temperature: 1, topK: 5, topP: 0.9, minP: 0.1 }]) {
      const sequence = await engine.createSequence()
      const sample = { ...SAMPLE, settings, topLogprobs: 2 }
      const [result] = await engine.verify([{ sequence, tokens: [1, 2], drafts: [3], sample }])
      const [token] = result!.emitted
      expect(token!.id).toBeGreaterThanOrEqual(0)
      expect(token!.id).toBeLessThan(320)
      expect(token!.logprob).not.toBeNaN()
    }
    await engine.unload()
  })

  const whole = randomGguf({ seed: 47 })
  const altered = (find: string, replace: string) => {
    const at = Buffer.from(whole).indexOf(find)
    expect(at).toBeGreaterThan(0)
    const bytes = whole.slice()
    bytes.set(new TextEncoder().encode(replace), at)
    return bytes
  }
  it.each([
    ['an empty file', () => new Uint8Array(), 'GGUF_TRUNCATED'],
    ['half a header', () => whole.slice(0, 1_000), 'GGUF_TRUNCATED'],
    ['half of the weights', () => whole.slice(0, whole.length / 2), 'GGUF_TRUNCATED'],
    ['another format', () => new TextEncoder().encode('<!doctype html><title>404</title>'), 'GGUF_INVALID'],
    ['an unknown architecture', () => randomGguf({ architecture: 'mamba' as 'bitnet' }), 'GGUF_UNSUPPORTED'],
    ['a missing tensor', () => altered('output_norm', 'output_horn'), 'GGUF_INVALID'],
    ['a missing size', () => altered('bitnet.block_count', 'bitnet.block_mount'), 'GGUF_INVALID'],
  ] as const)('says what is wrong with %s', async (_name, make, code) => {
    await expect(open(make())).rejects.toEqual(withCode(code))
  })
}
