import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { loadNativeEngine } from '../../native-host/engine/native-engine.ts'
import { type ActivationScales, ARCHITECTURES } from '../../shared/engine/architecture.ts'
import type { Engine } from '../../shared/engine/engine.ts'
import { parseGguf } from '../../shared/engine/gguf.ts'
import { loadReferenceEngine } from '../../shared/engine/reference/reference-engine.ts'
import { divergence, surprise } from '../support/divergence.ts'
import { engineLogits } from '../support/llama-cpp.ts'
import { builtAddon } from '../support/native-addon.ts'
import type { TernaryType } from '../support/pack-ternary.ts'
import { Random } from '../support/random.ts'
import { type RandomModel, randomGguf } from '../support/random-gguf.ts'
import { repacked } from '../support/repacked-gguf.ts'

/*
 * What rounding activations to int8 costs: the same model, its ternary matrices written as F32, takes them as they are. The head
 * takes floats in all of them.
 */
const addon = builtAddon()
const ENGINES: Readonly<
  Record<string, (file: Uint8Array, activationScales: ActivationScales) => Promise<Engine>>
> = {
  native: (file, activationScales) => loadNativeEngine(file, { addon, activationScales, head: 'file' }),
  reference: (file, activationScales) => loadReferenceEngine(file, { activationScales }),
}

/** Weights in groups of so many columns, which activations in groups follow. */
const ROUNDINGS = {
  token: ['Q2_0', 'token'],
  'group of 128': ['Q2_0 of 128', 'group'],
  'group of 64': ['Q2_0', 'group'],
} as const satisfies Readonly<Record<string, readonly [TernaryType, ActivationScales]>>

const embedded = new URL('../../models/embedded/', import.meta.url)
const { sequences } = JSON.parse(readFileSync(new URL('validation.json', embedded), 'utf8')) as {
  sequences: { tokens: number[] }[]
}
const heldOut = sequences.slice(0, 6).map(({ tokens }) => tokens)

const VOCABULARY = 320
const random = new Random(78)
const randomTexts = [0, 1].map(() => Array.from({ length: 96 }, () => random.integer(VOCABULARY)))
const RANDOM: RandomModel = { vocabSize: VOCABULARY, layers: 4, seed: 9 }

/** Two channels that are much larger than the others behind every norm before a matrix, as models have that 16 bits hold. */
function withOutliers(model: Uint8Array): Uint8Array {
  const out = Uint8Array.from(model)
  for (const { name, data } of parseGguf(out).tensors.values()) {
    if (!/(attn|ffn)_norm/.test(name)) continue
    const view = new DataView(data.buffer, data.byteOffset)
    for (const channel of [7, 200])
      view.setFloat32(4 * channel, 24 * view.getFloat32(4 * channel, true), true)
  }
  return out
}

const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length

/** KL divergence from float activations, and how much better or worse the texts are foretold, in nats a token. */
async function costs(name: string, kind: string, model: Uint8Array, texts: readonly number[][]) {
  const next = texts.flatMap((tokens) => tokens.slice(1))
  const logits = async (file: Uint8Array, scales: ActivationScales) =>
    engineLogits(await ENGINES[kind]!(file, scales), texts)
  const loss = (rows: readonly Float32Array[]) => mean(rows.map((row, i) => surprise(row, next[i]!)))
  const floats = await logits(repacked(model, 'F32'), 'token')
  const measured: [string, { kl: number; most: number; loss: number }][] = []
  for (const [rounding, [type, scales]] of Object.entries(ROUNDINGS)) {
    const rows = await logits(repacked(model, type), scales)
    const each = rows.map((row, i) => divergence(floats[i]!, row))
    measured.push([
      rounding,
      { kl: mean(each), most: each.reduce((a, b) => Math.max(a, b)), loss: loss(rows) - loss(floats) },
    ])
  }
  const lines = measured.map(
    ([rounding, { kl, most, loss }]) =>
      `  a scale per ${rounding}: KL ${kl.toExponential(2)} nats, at most ${most.toExponential(2)}, loss ${loss.toFixed(5)}`,
  )
  console.info(`${name}, ${kind}, ${floats.length} positions, against float activations\n${lines.join('\n')}`)
  const { token, ...groups } = Object.fromEntries(measured)
  return {
    positions: floats.length,
    token: token!,
    g128: groups['group of 128']!,
    g64: groups['group of 64']!,
  }
}

describe('activations rounded to int8', () => {
  // Trained with one scale a token, which is the coarsest: finer ones are closer to floats, and nobody is better off.
  it.each([
    ['target', 1.5e-3],
    ['draft', 7e-4],
  ])('of the embedded %s say what floats say', async (name, bound) => {
    const model = new Uint8Array(readFileSync(new URL(`${name}.gguf`, embedded)))
    const { positions, token, g128, g64 } = await costs(`embedded ${name}`, 'native', model, heldOut)
    expect(positions).toBeGreaterThan(1000)
    expect(
      ARCHITECTURES[String(parseGguf(model).metadata.get('general.architecture'))]!.activationScales,
    ).toBe('token')
    expect(token.kl).toBeGreaterThan(g128.kl)
    expect(g128.kl).toBeGreaterThan(g64.kl)
    expect(g64.kl).toBeGreaterThan(0)
    expect(token.kl).toBeLessThan(bound)
    for (const { loss } of [token, g128, g64]) expect(Math.abs(loss)).toBeLessThan(0.004)
  })

  it.each(Object.keys(ENGINES))('of random models cost less by groups, %s', async (kind) => {
    for (const architecture of ['bitnet', 'qwen3'] as const) {
      const model = randomGguf({ ...RANDOM, architecture })
      const { token, g128, g64 } = await costs(`random ${architecture}`, kind, model, randomTexts)
      expect(token.kl).toBeLessThan(0.02)
      expect(g128.kl).toBeLessThan(0.85 * token.kl)
      expect(g64.kl).toBeLessThan(g128.kl)
    }
  })

  it('of a model with outlying channels cost much less by groups', async () => {
    const model = withOutliers(randomGguf({ ...RANDOM, architecture: 'qwen3' }))
    const name = 'random qwen3 with outlying channels'
    const { token, g128, g64 } = await costs(name, 'native', model, randomTexts)
    expect(ARCHITECTURES.qwen3!.activationScales).toBe('group')
    expect(g128.kl).toBeLessThan(0.5 * token.kl)
    expect(g64.kl).toBeLessThan(g128.kl)
  })
})
