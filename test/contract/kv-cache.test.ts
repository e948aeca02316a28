import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { loadNativeEngine } from '../../native-host/engine/native-engine.ts'
import type { Engine } from '../../shared/engine/engine.ts'
import { KV_CACHE_TYPES, type KvCacheType } from '../../shared/engine/kv-cache-type.ts'
import { storeHead } from '../../shared/engine/reference/kv-head.ts'
import { loadReferenceEngine } from '../../shared/engine/reference/reference-engine.ts'
import { divergence } from '../support/divergence.ts'
import { builtAddon } from '../support/native-addon.ts'
import { Random } from '../support/random.ts'
import { randomGguf } from '../support/random-gguf.ts'

const addon = builtAddon()
const embedded = new URL('../../models/embedded/', import.meta.url)
const target = readFileSync(new URL('target.gguf', embedded))
const { sequences } = JSON.parse(readFileSync(new URL('validation.json', embedded), 'utf8')) as {
  sequences: { tokens: number[] }[]
}

async function logitsOf(engine: Engine, tokens: readonly number[], chunk = tokens.length) {
  const sequence = await engine.createSequence()
  const parts: Float32Array[] = []
  for (let at = 0; at < tokens.length; at += chunk) {
    const part = tokens.slice(at, at + chunk)
    const [logits] = await engine.forward([{ sequence, tokens: part, logits: 'all' }])
    parts.push(logits!)
  }
  await engine.releaseSequence(sequence)
  const { vocabSize } = engine.info.model
  return parts.flatMap((part) =>
    Array.from({ length: part.length / vocabSize }, (_, i) =>
      part.subarray(i * vocabSize, (i + 1) * vocabSize),
    ),
  )
}

const largestAt = (logits: Float32Array) => logits.indexOf(logits.reduce((a, b) => Math.max(a, b)))

describe('a cache of int8', () => {
  it('holds each head within half a step of its scale, whatever is in it', () => {
    const random = new Random(3)
    for (const size of [1e-30, 1e-6, 1, 1e4, 1e9]) {
      const head = Float32Array.from({ length: 64 }, () => random.normal() * size)
      const kept = new Float32Array(64)
      storeHead('q8', head, kept, 0)
      const most = head.reduce((a, b) => Math.max(a, Math.abs(b)), 0)
      // What f16 cannot tell from nothing, or from infinity, is no activation of any model.
      if (size < 1e-5 || size > 1e6) continue
      for (const [i, value] of head.entries())
        expect(Math.abs(kept[i]! - value)).toBeLessThanOrEqual((most / 127) * (0.5 + 127 * 2 ** -11))
    }
    const zeros = new Float32Array(16).fill(7)
    storeHead('q8', new Float32Array(16), zeros, 0)
    expect(zeros).toEqual(new Float32Array(16))
    const broken = new Float32Array(4)
    storeHead('q8', Float32Array.of(Number.NaN, 1, -1, 0), broken, 0)
    expect([...broken].map((value) => Math.round(value * 100) / 100)).toEqual([0, 1, -1, 0])
  })

  it('changes what the embedded model says by next to nothing', async () => {
    const engines = Object.fromEntries(
      await Promise.all(
        KV_CACHE_TYPES.map(async (kvCache) => [
          kvCache,
          await loadNativeEngine(target, { kvCache, head: 'file', addon }),
        ]),
      ),
    ) as Record<KvCacheType, Engine>
    const all: number[] = []
    let same = 0
    for (const { tokens } of sequences) {
      const [exact, small] = [await logitsOf(engines.f16, tokens), await logitsOf(engines.q8, tokens)]
      for (const [i, row] of exact.entries()) {
        all.push(divergence(row, small[i]!))
        if (largestAt(row) === largestAt(small[i]!)) same++
      }
    }
    for (const engine of Object.values(engines)) await engine.unload()
    const mean = all.reduce((sum, kl) => sum + kl, 0) / all.length
    const most = Math.max(...all)
    console.info(
      `q8 cache, embedded target, ${all.length} positions: KL ${mean.toExponential(2)} nats in the mean, ${most.toExponential(2)} at most; ` +
        `the likeliest token is the same in ${((100 * same) / all.length).toFixed(1)} %`,
    )
    expect(all.length).toBeGreaterThan(3000)
    // It is no f16 cache under another name.
    expect(mean).toBeGreaterThan(1e-9)
    // Twice what is measured: int8 activations turn any small difference into other codes, see native/README.md.
    expect(mean).toBeLessThan(2e-3)
    expect(same / all.length).toBeGreaterThan(0.96)
  })
})

describe.each(KV_CACHE_TYPES)('a long context, %s', (kvCache) => {
  const CONTEXT = 1280 // twenty blocks of the cache
  const VOCABULARY = 320
  const bytes = randomGguf({
    architecture: 'qwen3',
    type: 'Q2_0',
    seed: 31,
    kvHeads: 1,
    vocabSize: VOCABULARY,
    contextLength: CONTEXT,
    ropeScaling: { type: 'yarn', factor: 4, originalContext: CONTEXT / 4 },
  })
  const random = new Random(32)
  const tokens = Array.from({ length: CONTEXT }, () => random.integer(VOCABULARY))

  it('reaches the model’s limit and not past it, the same bits in whatever pieces', async () => {
    const engine = await loadNativeEngine(bytes, { kvCache, addon, maxSequences: 3, maxRows: CONTEXT })
    const whole = await logitsOf(engine, tokens)
    expect(whole).toHaveLength(CONTEXT)
    const pieces = await logitsOf(engine, tokens, 77)
    for (const [i, row] of whole.entries())
      expect(Buffer.compare(Buffer.from(bytesOf(row)), Buffer.from(bytesOf(pieces[i]!))), `row ${i}`).toBe(0)
    const sequence = await engine.createSequence()
    await engine.forward([{ sequence, tokens, logits: 'none' }])
    const past = engine.forward([{ sequence, tokens: [1], logits: 'last' }])
    await expect(past).rejects.toMatchObject({ code: 'CONTEXT_FULL' })
    // Room is where it was made.
    await engine.truncate(sequence, CONTEXT - 1)
    const [last] = await engine.forward([{ sequence, tokens: tokens.slice(-1), logits: 'last' }])
    expect(Buffer.compare(Buffer.from(bytesOf(last!)), Buffer.from(bytesOf(whole.at(-1)!)))).toBe(0)
    await engine.unload()
  })

  it('is near the reference engine at its end', async () => {
    const engine = await loadNativeEngine(bytes, { kvCache, addon, maxRows: CONTEXT })
    const reference = await loadReferenceEngine(bytes, { kvCache, maxRows: CONTEXT })
    expect(engine.info.model).toEqual(reference.info.model)
    expect([engine.info.kvCache, reference.info.kvCache]).toEqual([kvCache, kvCache])
    const last = async (one: Engine) => {
      const sequence = await one.createSequence()
      await one.forward([{ sequence, tokens: tokens.slice(0, -16), logits: 'none' }])
      const [logits] = await one.forward([{ sequence, tokens: tokens.slice(-16), logits: 'all' }])
      return logits!
    }
    const [got, wanted] = [await last(engine), await last(reference)]
    const mean = wanted.reduce((sum, x) => sum + x, 0) / wanted.length
    const deviation = Math.sqrt(wanted.reduce((sum, x) => sum + (x - mean) ** 2, 0) / wanted.length)
    const rms = Math.sqrt(wanted.reduce((sum, x, i) => sum + (x - got[i]!) ** 2, 0) / wanted.length)
    expect(deviation).toBeGreaterThan(0.1)
    expect(rms).toBeLessThan(0.02 * deviation)
    await engine.unload()
  })
})

const bytesOf = (row: Float32Array) => new Uint8Array(row.buffer, row.byteOffset, row.byteLength)
