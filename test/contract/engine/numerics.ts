import { expect, it } from 'vitest'
import type { Engine } from '../../../shared/engine/engine.ts'
import { loadReferenceEngine } from '../../../shared/engine/reference/reference-engine.ts'
import { logSumExp } from '../../../shared/verify/sample.ts'
import { TERNARY_TYPES } from '../../support/pack-ternary.ts'
import { probeGguf } from '../../support/probe-gguf.ts'
import { Random } from '../../support/random.ts'
import { randomGguf } from '../../support/random-gguf.ts'
import type { NamedModel } from './models.ts'
import type { OpenEngine } from './open-engine.ts'

const VOCABULARY = 320

/** Rows of logits within which engines may differ: of their standard deviation (see the bounds of cross-engine runs). */
const RMS_TOLERANCE = 0.02
const LOSS_TOLERANCE = 0.01

export function randomTokens(seed: number, count: number): number[] {
  const random = new Random(seed)
  return Array.from({ length: count }, () => random.integer(VOCABULARY))
}

/** Logits of every row, one token a pass: what all else is compared with. */
export async function oneByOne(engine: Engine, tokens: readonly number[]): Promise<Float32Array[]> {
  const sequence = await engine.createSequence()
  const rows: Float32Array[] = []
  for (const token of tokens) {
    const [row] = await engine.forward([{ sequence, tokens: [token], logits: 'last' }])
    rows.push(row!)
  }
  await engine.releaseSequence(sequence)
  return rows
}

/** Equality of bits, with a message that stays short. */
export function expectSame(actual: Float32Array, expected: Float32Array, what: string): void {
  const bytes = (array: Float32Array) => Buffer.from(array.buffer, array.byteOffset, array.byteLength)
  expect(actual.length, what).toBe(expected.length)
  expect(bytes(actual).equals(bytes(expected)), what).toBe(true)
}

function join(rows: readonly Float32Array[]): Float32Array {
  const out = new Float32Array(rows.reduce((sum, { length }) => sum + length, 0))
  let offset = 0
  for (const row of rows) {
    out.set(row, offset)
    offset += row.length
  }
  return out
}

const deviation = (values: Float32Array) => {
  const mean = values.reduce((a, b) => a + b) / values.length
  return Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length)
}

/** Bounds between engines: rms of all logits, argmax where the gap is clear, loss of the tokens that follow. */
export function expectNear(
  actual: readonly Float32Array[],
  expected: readonly Float32Array[],
  tokens: readonly number[],
): void {
  const [a, b] = [join(actual), join(expected)]
  const spread = deviation(b)
  expect(spread).toBeGreaterThan(0.1)
  const rms = Math.sqrt(a.reduce((sum, value, i) => sum + (value - b[i]!) ** 2, 0) / a.length)
  expect(rms).toBeLessThanOrEqual(RMS_TOLERANCE * spread)
  let clear = 0
  for (const [i, row] of expected.entries()) {
    const [first, second] = [...row.keys()].sort((x, y) => row[y]! - row[x]!) as [number, number]
    if (row[first]! - row[second]! <= 4 * RMS_TOLERANCE * spread) continue
    clear++
    expect(actual[i]!.indexOf(Math.max(...actual[i]!)), `argmax of row ${i}`).toBe(first)
  }
  expect(clear).toBeGreaterThan(0)
  const loss = (rows: readonly Float32Array[]) =>
    tokens.slice(1).reduce((sum, token, i) => sum + logSumExp(rows[i]!) - rows[i]![token]!, 0)
  expect(Math.abs(loss(actual) / loss(expected) - 1)).toBeLessThanOrEqual(LOSS_TOLERANCE)
}

export function describeNumerics(open: OpenEngine, models: readonly NamedModel[]): void {
  it.each(TERNARY_TYPES)('integer products are exact, %s', async (type) => {
    const probe = probeGguf(type, 7)
    const engine = await open(probe.bytes)
    const sequence = await engine.createSequence()
    const tokens = [...probe.sums.keys()]
    const [logits] = await engine.forward([{ sequence, tokens, logits: 'all' }])
    for (const token of tokens) {
      const row = logits!.subarray(token * tokens.length, (token + 1) * tokens.length)
      const products = Array.from(row, (logit) => logit / probe.unit(token))
      expect(products.map(Math.round), `token ${token}`).toEqual(probe.sums[token])
      const error = Math.max(...products.map((product, i) => Math.abs(product - probe.sums[token]![i]!)))
      expect(error, `token ${token}`).toBeLessThan(0.1)
    }
    await engine.unload()
  })

  it.each(models)('says what the reference engine says: %s', async (_name, model) => {
    const bytes = randomGguf(model)
    const tokens = randomTokens(4, 24)
    const reference = await loadReferenceEngine(bytes)
    const engine = await open(bytes)
    expect(engine.info.model).toEqual(reference.info.model)
    expect(engine.info.tokenizerHash).toBe(reference.info.tokenizerHash)
    expectNear(await oneByOne(engine, tokens), await oneByOne(reference, tokens), tokens)
    await engine.unload()
  })

  it.each([
    ['one scale', { seed: 5 }],
    ['a scale per block', { seed: 6, scales: 'block', type: 'Q2_0' }],
  ] as const)('a row’s bits depend on its sequence’s tokens alone, %s', async (_name, model) => {
    const engine = await open(randomGguf(model))
    const tokens = randomTokens(8, 80)
    const strangers = randomTokens(9, 30)
    const expected = join(await oneByOne(engine, tokens))
    const rows = (from: number, to: number) => expected.subarray(from * VOCABULARY, to * VOCABULARY)
    const [a, b, c] = [
      await engine.createSequence(),
      await engine.createSequence(),
      await engine.createSequence(),
    ]

    const [whole] = await engine.forward([{ sequence: a, tokens, logits: 'all' }])
    expectSame(whole!, expected, 'in one pass')

    await engine.truncate(a, 0)
    for (let at = 0, size = 1; at < tokens.length; at += size, size = (size % 11) + 1) {
      const part = tokens.slice(at, at + size)
      const [, logits] = await engine.forward([
        { sequence: b, tokens: strangers.slice(0, (size % 3) + 1), logits: 'last' },
        { sequence: a, tokens: part, logits: 'all' },
      ])
      await engine.truncate(b, 0)
      expectSame(logits!, rows(at, at + part.length), `beside another sequence, ${size} rows from ${at}`)
    }

    for (const length of [79, 64, 33, 1, 0]) {
      await engine.truncate(a, length)
      await engine.forward([{ sequence: a, tokens: strangers, logits: 'none' }])
      await engine.truncate(a, length)
      const [again] = await engine.forward([
        { sequence: a, tokens: tokens.slice(length, length + 9), logits: 'all' },
      ])
      expectSame(again!, rows(length, Math.min(length + 9, tokens.length)), `after a rollback to ${length}`)
      await engine.truncate(a, length)
      await engine.forward([{ sequence: a, tokens: tokens.slice(length), logits: 'none' }])
    }

    await engine.forward([{ sequence: c, tokens: strangers, logits: 'none' }])
    await engine.copyPrefix(a, c, 50)
    const [copied] = await engine.forward([{ sequence: c, tokens: strangers, logits: 'last' }])
    await engine.truncate(c, 50)
    const [, origin] = await engine.forward([
      { sequence: c, tokens: tokens.slice(50), logits: 'none' },
      { sequence: a, tokens: strangers.slice(0, 1), logits: 'last' },
    ])
    const fresh = await oneByOne(engine, [...tokens.slice(0, 50), ...strangers])
    expectSame(copied!, fresh.at(-1)!, 'on a copied prefix')
    const after = await oneByOne(engine, [...tokens, strangers[0]!])
    expectSame(origin!, after.at(-1)!, 'on the origin of a copied prefix')
    await engine.unload()
  })
}
