import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { Engine } from '../../shared/engine/engine.ts'
import { loadReferenceEngine } from '../../shared/engine/reference/reference-engine.ts'
import { requestDevice } from '../../shared/engine/wgsl/device.ts'
import { loadWgslEngine, type WgslEngineOptions } from '../../shared/engine/wgsl/load-wgsl-engine.ts'
import { FIXTURE_FOLDER, floats, RMS_TOLERANCE, rms, TOKENS } from '../support/bitnet-cpp-fixture.ts'
import { randomGguf } from '../support/random-gguf.ts'
import { nodeGpu } from '../support/webgpu.ts'
import { denseGguf } from '../support/webgpu-models.ts'
import { expectNear, expectSame, randomTokens } from './engine/numerics.ts'

const folder = join(import.meta.dirname, '..', '..', 'models', 'embedded')
const device = await requestDevice(nodeGpu())

async function open(bytes: Uint8Array, options: WgslEngineOptions = {}): Promise<Engine> {
  const engine = await loadWgslEngine(bytes, { device, ...options })
  onTestFinished(() => engine.unload().catch(() => {}))
  return engine
}

async function logitsOf(engine: Engine, tokens: readonly number[]): Promise<Float32Array> {
  const sequence = await engine.createSequence()
  const { maxRows } = engine.info
  const parts: Float32Array[] = []
  for (let at = 0; at < tokens.length; at += maxRows) {
    const [part] = await engine.forward([{ sequence, tokens: tokens.slice(at, at + maxRows), logits: 'all' }])
    parts.push(part!)
  }
  await engine.releaseSequence(sequence)
  return Float32Array.from(parts.flatMap((part) => [...part]))
}

function rowsOf(logits: Float32Array, vocabulary: number): Float32Array[] {
  return Array.from({ length: logits.length / vocabulary }, (_, i) =>
    logits.subarray(i * vocabulary, (i + 1) * vocabulary),
  )
}

describe('the WGSL engine’s numbers', () => {
  it.each([
    ['draft', 96],
    ['target', 48],
  ] as const)('are the reference engine’s on the embedded %s, teacher-forced', async (name, count) => {
    const bytes = readFileSync(join(folder, `${name}.gguf`))
    const { sequences } = JSON.parse(readFileSync(join(folder, 'validation.json'), 'utf8')) as {
      sequences: { tokens: number[] }[]
    }
    const tokens = sequences[0]!.tokens.slice(0, count)
    const engine = await open(bytes)
    const reference = await loadReferenceEngine(bytes)
    const rows = async (of: Engine) => rowsOf(await logitsOf(of, tokens), of.info.model.vocabSize)
    expectNear(await rows(engine), await rows(reference), tokens)
  })

  it.each(['i2_s', 'tq1_0', 'tq2_0'])('are bitnet.cpp’s on its tiny model, %s', async (type) => {
    const engine = await open(readFileSync(join(FIXTURE_FOLDER, `tiny-${type}-emb_f16.gguf`)))
    const logits = await logitsOf(engine, TOKENS)
    // An int8 rounding that falls the other way weighs more than all other differences: bitnet.cpp's own paths differ so.
    expect(rms(logits, floats('i2_s-emb_f16-kv_f16-batch.logits.f32'))).toBeLessThan(RMS_TOLERANCE)
  })

  it.each([
    ['one scale', { seed: 61 }],
    ['a scale per block', { seed: 62, scales: 'block', type: 'Q2_0', embedding: 512, feedForward: 1088 }],
  ] as const)('are the same bits in every variant of the shaders, %s', async (_name, model) => {
    const bytes = randomGguf(model)
    const tokens = randomTokens(63, 21)
    const expected = await logitsOf(await open(bytes, { dot4: false, subgroups: false }), tokens)
    for (const variant of [
      { dot4: true, subgroups: false },
      { dot4: false, subgroups: true },
      { dot4: true, subgroups: true },
    ]) {
      const engine = await open(bytes, variant)
      expectSame(await logitsOf(engine, tokens), expected, engine.info.kernel)
    }
  })

  it.each(['F32', 'F16', 'BF16'] as const)(
    'are the reference engine’s without ternary weights, %s',
    async (type) => {
      const bytes = denseGguf(type, 64)
      const tokens = randomTokens(65, 40).map((token) => token % 61)
      const engine = await open(bytes)
      const reference = await loadReferenceEngine(bytes)
      const actual = await logitsOf(engine, tokens)
      const expected = await logitsOf(reference, tokens)
      expect(rms(actual, expected)).toBeLessThan(1e-4)
    },
  )

  it.each([
    ['a workgroup walks the positions or each chunk has one', false, 280],
    ['narrow workgroups take many rows or few', true, 530],
  ])('are the same bits whether %s', async (_name, narrow, count) => {
    const model = { contextLength: 600, layers: 1, heads: 2, kvHeads: 1, headDim: 128 }
    const bytes = randomGguf({ seed: 69, ...model })
    const tokens = randomTokens(70, count)
    const engine = await open(bytes, { narrow })
    const sequence = await engine.createSequence()
    const whole: Float32Array[] = []
    for (let at = 0; at < count; at += 256) {
      const part = tokens.slice(at, at + 256)
      const [logits] = await engine.forward([{ sequence, tokens: part, logits: 'all' }])
      whole.push(...rowsOf(logits!, 320))
    }
    // Passes of few rows, which begin and end about the chunks' edges; from the last, for rolling back is enough.
    const passes = [513, 512, 511, 264, 256, 250].filter((from) => from < count)
    for (const from of passes) {
      await engine.truncate(sequence, from)
      const part = tokens.slice(from, from === 512 ? 513 : from + 16)
      const [logits] = await engine.forward([{ sequence, tokens: part, logits: 'all' }])
      for (const [i, row] of rowsOf(logits!, 320).entries())
        expectSame(row, whole[from + i]!, `row ${from + i}`)
    }
    const expected = rowsOf(await logitsOf(await loadReferenceEngine(bytes), tokens), 320)
    expectNear(whole.slice(-24), expected.slice(-24), tokens.slice(-24))
  })

  it('are the same bits when small buffers split matrices by rows and logits into chunks', async () => {
    const bytes = readFileSync(join(folder, 'draft.gguf'))
    const tokens = randomTokens(66, 40)
    const whole = await open(bytes)
    // 4 rows of logits; the embedding, which is the head too, lies in 16 buffers.
    const split = await open(bytes, { maxBufferBytes: 65_536 })
    expect(split.info.maxRows).toBeGreaterThan(4)
    expectSame(await logitsOf(split, tokens), await logitsOf(whole, tokens), 'split')
  })

  it('are the same bits when the KV cache has grown in between', async () => {
    const engine = await open(randomGguf({ seed: 67 }), { maxSequences: 16 })
    const tokens = randomTokens(68, 30)
    const expected = await logitsOf(engine, [...tokens, 7])
    const first = await engine.createSequence()
    await engine.forward([{ sequence: first, tokens, logits: 'none' }])
    for (let i = 0; i < 12; i++) {
      const sequence = await engine.createSequence()
      await engine.forward([{ sequence, tokens: randomTokens(i, 70), logits: 'none' }])
    }
    const [row] = await engine.forward([{ sequence: first, tokens: [7], logits: 'last' }])
    expectSame(row!, expected.subarray(-320), 'after growth')
  })
})
