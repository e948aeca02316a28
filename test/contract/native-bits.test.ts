import { describe, expect, test } from 'vitest'
import { loadNativeEngine, type NativeEngineOptions } from '../../native-host/engine/native-engine.ts'
import type { Engine } from '../../shared/engine/engine.ts'
import type { KvCacheType } from '../../shared/engine/kv-cache-type.ts'
import { loadReferenceEngine } from '../../shared/engine/reference/reference-engine.ts'
import { builtAddon } from '../support/native-addon.ts'
import { TERNARY_TYPES } from '../support/pack-ternary.ts'
import { Random } from '../support/random.ts'
import { type RandomModel, randomGguf } from '../support/random-gguf.ts'
import { TABLE_TYPES } from '../support/random-table.ts'

const addon = builtAddon()
const VOCABULARY = 331 // not a multiple of 16: the last group of the head is filled up

interface Case extends RandomModel {
  /** How the engine is to keep the weights. */
  readonly keep?: Pick<NativeEngineOptions, 'head' | 'packing'>
}

const MODELS: Readonly<Record<string, Case>> = {
  ...Object.fromEntries(TERNARY_TYPES.map((type) => [type, { type, seed: 11 }])),
  ...Object.fromEntries(
    TERNARY_TYPES.map((type) => [`${type} in 1.6 bits`, { type, seed: 11, keep: { packing: '1.6-bit' } }]),
  ),
  'Q2_0 in 1.6 bits where no tensor can be': {
    type: 'Q2_0',
    scales: 'block',
    seed: 12,
    keep: { packing: '1.6-bit' },
  },
  'Q2_0, a scale per block': {
    type: 'Q2_0',
    scales: 'block',
    seed: 12,
    embedding: 192,
    heads: 6,
    headDim: 32,
  },
  'TQ2_0, a scale per block, own head': {
    type: 'TQ2_0',
    scales: 'block',
    seed: 13,
    head: 'F16',
    layers: 3,
  },
  'Q2_0 of 128, a scale per block, ±2': { type: 'Q2_0 of 128', scales: 'block', twos: true, seed: 15 },
  ...Object.fromEntries(TABLE_TYPES.map((table, i) => [`tied ${table}`, { table, layers: 1, seed: 16 + i }])),
  ...Object.fromEntries(
    TABLE_TYPES.map((table, i) => [
      `tied ${table}, as the file has it`,
      { table, layers: 1, seed: 16 + i, keep: { head: 'file' } },
    ]),
  ),
  'ternary embedding, Q6_K head': { table: 'TQ2_0', head: 'Q6_K', layers: 1, seed: 22 },
  qwen3: { architecture: 'qwen3', type: 'Q2_0', table: 'Q2_0', seed: 23 },
  'qwen3 Q2_0 of 128, a scale per block, own head': {
    architecture: 'qwen3',
    type: 'Q2_0 of 128',
    table: 'Q2_0 of 128',
    head: 'Q2_0 of 128',
    scales: 'block',
    headDim: 128,
    seed: 24,
  },
  'qwen3, groups of two sizes': {
    architecture: 'qwen3',
    type: 'TQ2_0',
    table: 'Q2_0',
    scales: 'block',
    seed: 25,
  },
  'qwen3, one scale a tensor, widths that end within a group of 64': {
    architecture: 'qwen3',
    type: 'I2_S',
    embedding: 384,
    feedForward: 640,
    seed: 26,
  },
  'llama with rotary factors': {
    architecture: 'llama',
    type: 'TQ2_0',
    head: 'Q8_0',
    ropeFactors: true,
    seed: 27,
  },
  'bitnet-b1.58, five queries a key': {
    architecture: 'bitnet-b1.58',
    type: 'Q2_0',
    seed: 14,
    embedding: 320,
    heads: 5,
    kvHeads: 1,
    headDim: 64,
    feedForward: 448,
  },
}

const tokensOf = (seed: number, count: number) => {
  const random = new Random(seed)
  return Array.from({ length: count }, () => random.integer(VOCABULARY))
}

/** Every row's logits, one token a pass: what all else is compared with. */
async function oneByOne(engine: Engine, tokens: readonly number[]): Promise<Float32Array> {
  const sequence = await engine.createSequence()
  const out = new Float32Array(tokens.length * VOCABULARY)
  for (const [i, token] of tokens.entries()) {
    const [row] = await engine.forward([{ sequence, tokens: [token], logits: 'last' }])
    out.set(row!, i * VOCABULARY)
  }
  await engine.releaseSequence(sequence)
  return out
}

const rows = (logits: Float32Array, from: number, to: number) =>
  logits.subarray(from * VOCABULARY, to * VOCABULARY)

/** Equality of bits; toEqual on large typed arrays is slow and calls −0 unequal in its own way. */
function expectSameBits(a: Float32Array, b: Float32Array, what: string): void {
  expect(a.length, what).toBe(b.length)
  const same = Buffer.compare(
    Buffer.from(a.buffer, a.byteOffset, a.byteLength),
    Buffer.from(b.buffer, b.byteOffset, b.byteLength),
  )
  expect(same, what).toBe(0)
}

/** Every model with an f16 cache; and with int8, one of each kind of graph and of queries a key. */
const CASES: readonly (readonly [string, Case, KvCacheType])[] = [
  ...Object.entries(MODELS).map(([name, model]) => [name, model, 'f16'] as const),
  ...['TQ2_0', 'qwen3', 'llama with rotary factors', 'bitnet-b1.58, five queries a key'].map(
    (name) => [`${name}, q8 cache`, MODELS[name]!, 'q8'] as const,
  ),
]

describe.each(CASES)('bits of %s', (_, { keep, ...model }, kvCache) => {
  const bytes = randomGguf({ vocabSize: VOCABULARY, ...model })
  const tokens = tokensOf(5, 90) // past one KV block of 64

  test('are the same for every kernel, thread count and batch', async () => {
    let expected: Float32Array | undefined
    for (const kernel of addon.kernels()) {
      for (const threads of [1, 3]) {
        const engine = await loadNativeEngine(bytes, { kernel, threads, kvCache, addon, ...keep })
        expect(engine.info).toMatchObject({ kernel, threads, kvCache })
        expected ??= await oneByOne(engine, tokens)
        const sequence = await engine.createSequence()
        const [whole] = await engine.forward([{ sequence, tokens, logits: 'all' }])
        expectSameBits(whole!, expected, `${kernel}, ${threads} threads, one pass`)
        await engine.truncate(sequence, 0)
        for (let at = 0; at < tokens.length; ) {
          const size = Math.min([1, 2, 3, 5, 7, 8, 9, 16][at % 8]!, tokens.length - at)
          const part = tokens.slice(at, at + size)
          const [logits] = await engine.forward([{ sequence, tokens: part, logits: 'all' }])
          expectSameBits(logits!, rows(expected, at, at + size), `${kernel}, ${threads} threads, at ${at}`)
          at += size
        }
        await engine.unload()
      }
    }
  })

  test('do not depend on company, rollback, or where the cache came from', async () => {
    const engine = await loadNativeEngine(bytes, { kvCache, addon, ...keep })
    const expected = await oneByOne(engine, tokens)
    const [a, b, c] = [
      await engine.createSequence(),
      await engine.createSequence(),
      await engine.createSequence(),
    ]
    const strangers = tokensOf(6, 40)
    const [, first] = await engine.forward([
      { sequence: b, tokens: strangers, logits: 'none' },
      { sequence: a, tokens: tokens.slice(0, 70), logits: 'all' },
    ])
    expectSameBits(first!, rows(expected, 0, 70), 'beside another sequence')

    // Wrong turns: more tokens, then back, at both sides of a block's edge.
    for (const length of [66, 64, 63, 30]) {
      await engine.forward([{ sequence: a, tokens: strangers.slice(0, 20), logits: 'none' }])
      await engine.truncate(a, length)
      const [again] = await engine.forward([{ sequence: a, tokens: tokens.slice(length, 70), logits: 'all' }])
      expectSameBits(again!, rows(expected, length, 70), `rolled back to ${length}`)
    }

    // A copied prefix shares memory: what either side writes must not reach the other.
    await engine.copyPrefix(a, c, 40)
    await engine.forward([{ sequence: c, tokens: strangers.slice(0, 30), logits: 'none' }])
    await engine.truncate(c, 40)
    const [copied, original] = await engine.forward([
      { sequence: c, tokens: tokens.slice(40), logits: 'all' },
      { sequence: a, tokens: tokens.slice(70), logits: 'all' },
    ])
    expectSameBits(copied!, rows(expected, 40, 90), 'after copyPrefix')
    expectSameBits(original!, rows(expected, 70, 90), 'the origin of a copied prefix')
    await engine.unload()
  })

  test('are near the reference engine', async () => {
    const short = tokens.slice(0, 24)
    const reference = await loadReferenceEngine(bytes, { kvCache })
    const wanted = await oneByOne(reference, short)
    const engine = await loadNativeEngine(bytes, { kvCache, addon, ...keep })
    expect(engine.info.tokenizerHash).toBe(reference.info.tokenizerHash)
    expect(engine.info.model).toEqual(reference.info.model)
    const got = await oneByOne(engine, short)
    const mean = wanted.reduce((sum, x) => sum + x, 0) / wanted.length
    const deviation = Math.sqrt(wanted.reduce((sum, x) => sum + (x - mean) ** 2, 0) / wanted.length)
    const rms = Math.sqrt(wanted.reduce((sum, x, i) => sum + (x - got[i]!) ** 2, 0) / wanted.length)
    expect(deviation).toBeGreaterThan(0.1)
    expect(rms).toBeLessThan(0.02 * deviation)
    await engine.unload()
  })
})

describe('integer products of every kernel equal plain sums', () => {
  // Counts of rows on both sides of every tile's; columns that end within a block of 20.
  const SHAPES = [
    [1, 64, 1],
    [16, 128, 2],
    [37, 320, 3],
    [19, 576, 5],
    [33, 448, 7],
    [64, 2560, 11],
    [5, 6912, 17],
  ] as const

  /** Random activations, of which the first row is as large as can be. */
  const activations = (random: Random, columns: number, count: number) =>
    Int8Array.from({ length: count * columns }, () => random.integer(255) - 127).fill(127, 0, columns)

  function plainSums(weights: ArrayLike<number>, columns: number, values: Int8Array): Int32Array {
    const rowCount = weights.length / columns
    const sums = new Int32Array((values.length / columns) * rowCount)
    for (let i = 0; i < values.length / columns; i++) {
      for (let r = 0; r < rowCount; r++) {
        let sum = 0
        for (let c = 0; c < columns; c++) sum += weights[r * columns + c]! * values[i * columns + c]!
        sums[i * rowCount + r] = sum
      }
    }
    return sums
  }

  test.each([
    ['two bits', 4, false],
    ['1.6 bits', 3, true],
  ] as const)('of ternary weights in %s', (_, codeCount, baseThree) => {
    const random = new Random(21)
    for (const [rowCount, columns, count] of SHAPES) {
      // Code 3 is legal in Q2_0; the largest code everywhere meets 127 everywhere.
      const codes = Uint8Array.from({ length: rowCount * columns }, () => random.integer(codeCount))
      codes.fill(codeCount - 1, 0, columns)
      const values = activations(random, columns, count)
      const expected = plainSums(
        Int8Array.from(codes, (code) => code - 1),
        columns,
        values,
      )
      for (const kernel of addon.kernels()) {
        const got = addon.ternaryProduct(kernel, codes, rowCount, values, count, baseThree)
        expect(got, `${kernel} ${rowCount} × ${columns} × ${count}`).toEqual(expected)
      }
    }
  })

  test('of int8 weights', () => {
    const random = new Random(22)
    for (const [rowCount, columns, count] of SHAPES) {
      const weights = activations(random, columns, rowCount)
      const values = activations(random, columns, count)
      values.subarray(-columns).fill(-127)
      const expected = plainSums(weights, columns, values).map(Math.fround)
      for (const kernel of addon.kernels()) {
        const got = addon.int8Product(kernel, weights, rowCount, values, count)
        expect(got, `${kernel} ${rowCount} × ${columns} × ${count}`).toEqual(expected)
      }
    }
  })
})
