import { describe, expect, it } from 'vitest'
import { loadNativeEngine } from '../../native-host/engine/native-engine.ts'
import { loadReferenceEngine } from '../../shared/engine/reference/reference-engine.ts'
import { GgufSurgery } from '../support/gguf-surgery.ts'
import { engineLogits } from '../support/llama-cpp.ts'
import { builtAddon } from '../support/native-addon.ts'
import { type RandomModel, randomGguf } from '../support/random-gguf.ts'

const addon = builtAddon()
const ENGINES = {
  reference: (bytes: Uint8Array, options = {}) => loadReferenceEngine(bytes, options),
  native: (bytes: Uint8Array, options = {}) => loadNativeEngine(bytes, { addon, ...options }),
} as const
const FACTORS = 'rope_freqs.weight'

const llama = () => new GgufSurgery(randomGguf({ architecture: 'llama', layers: 1, ropeFactors: true }))
const u32 = (value: number) => ({ type: 'u32', value }) as const
const f32 = (value: number) => ({ type: 'f32', value }) as const
const qwen3 = (model: RandomModel) => randomGguf({ architecture: 'qwen3', layers: 1, ...model })
const yarn = { type: 'yarn', factor: 4, originalContext: 64 } as const

type Case = readonly [what: string, make: () => Uint8Array, code: string, named: string]
const CASES: readonly Case[] = [
  [
    'attention biases',
    () => llama().rename(FACTORS, 'blk.0.attn_q.bias').bytes,
    'GGUF_UNSUPPORTED',
    'biases are not run',
  ],
  [
    'rotary factors of 0',
    () => llama().u32(llama().data(FACTORS, FACTORS), 0).bytes,
    'GGUF_INVALID',
    FACTORS,
  ],
  [
    'rotary factors where llama.cpp reads none',
    () => randomGguf({ layers: 1, ropeFactors: true }),
    'GGUF_UNSUPPORTED',
    FACTORS,
  ],
  ['experts', () => qwen3({ extra: { 'qwen3.expert_count': u32(8) } }), 'GGUF_UNSUPPORTED', 'expert_count'],
  [
    'a sliding window',
    () => qwen3({ extra: { 'qwen3.attention.sliding_window': u32(64) } }),
    'GGUF_UNSUPPORTED',
    'sliding_window',
  ],
  [
    'an unknown rotary scaling',
    () => qwen3({ extra: { 'qwen3.rope.scaling.type': { type: 'text', value: 'longrope' } } }),
    'GGUF_UNSUPPORTED',
    'longrope',
  ],
  [
    'YaRN with another magnitude',
    () => qwen3({ ropeScaling: yarn, extra: { 'qwen3.rope.scaling.attn_factor': f32(0.5) } }),
    'GGUF_UNSUPPORTED',
    'attn_factor',
  ],
]

describe.each(Object.entries(ENGINES))('architectures, %s', (_kind, load) => {
  it.each(CASES)('refuses %s', async (_what, make, code, named) => {
    await expect(load(make())).rejects.toMatchObject({
      name: 'EngineError',
      code,
      message: expect.stringContaining(named),
    })
  })

  it('a factor without a type is linear', async () => {
    const model = { architecture: 'llama', layers: 1 } as const
    const typed = randomGguf({ ...model, ropeScaling: { type: 'linear', factor: 4 } })
    const untyped = randomGguf({ ...model, extra: { 'llama.rope.scaling.factor': f32(4) } })
    const texts = [[1, 2, 3, 4, 5, 6]]
    const rows = await engineLogits(await load(untyped), texts)
    expect(rows).toEqual(await engineLogits(await load(typed), texts))
    expect(rows).not.toEqual(await engineLogits(await load(randomGguf(model)), texts))
  })

  it.each([
    ['qwen3', 'group'],
    ['llama', 'token'],
    ['bitnet', 'token'],
  ] as const)('%s takes a scale per %s unless told otherwise', async (architecture, usual) => {
    const bytes = randomGguf({ architecture, layers: 1, type: 'Q2_0' })
    const texts = [[1, 2, 3, 4]]
    const rows = await engineLogits(await load(bytes), texts)
    const other = usual === 'group' ? 'token' : 'group'
    expect(rows).toEqual(await engineLogits(await load(bytes, { activationScales: usual }), texts))
    expect(rows).not.toEqual(await engineLogits(await load(bytes, { activationScales: other }), texts))
  })
})
