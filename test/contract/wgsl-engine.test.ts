import { describe, expect, it, onTestFinished, vi } from 'vitest'
import type { Engine, PassItem, SampleRequest } from '../../shared/engine/engine.ts'
import { parseGguf } from '../../shared/engine/gguf.ts'
import { requestDevice } from '../../shared/engine/wgsl/device.ts'
import { MAX_PART_ROWS } from '../../shared/engine/wgsl/gpu-matrix.ts'
import { GpuMemory, MAX_WORKGROUPS } from '../../shared/engine/wgsl/gpu-memory.ts'
import { DENSE_ROWS } from '../../shared/engine/wgsl/kernels/dense.wgsl.ts'
import { rowLanes, TERNARY_ROWS } from '../../shared/engine/wgsl/kernels/ternary.wgsl.ts'
import { loadWgslEngine, type WgslEngineOptions } from '../../shared/engine/wgsl/load-wgsl-engine.ts'
import { Pipelines } from '../../shared/engine/wgsl/pipelines.ts'
import { keyFromSeed } from '../../shared/verify/noise.ts'
import { GREEDY, type SamplingSettings } from '../../shared/verify/settings.ts'
import { randomGguf } from '../support/random-gguf.ts'
import { nodeGpu } from '../support/webgpu.ts'
import { randomTokens } from './engine/numerics.ts'

const shared = await requestDevice(nodeGpu())
const withCode = (code: string, text: string) =>
  expect.objectContaining({ name: 'EngineError', code, message: expect.stringContaining(text) })

async function open(bytes: Uint8Array, options: WgslEngineOptions = {}): Promise<Engine> {
  const engine = await loadWgslEngine(bytes, { device: shared, ...options })
  onTestFinished(() => engine.unload().catch(() => {}))
  return engine
}

const sampleOf = (settings: SamplingSettings, promptLength: number): SampleRequest => ({
  settings,
  key: keyFromSeed(99n),
  promptLength,
  stopTokens: [],
  maxTokens: 100,
  topLogprobs: 20,
})

describe('candidates', () => {
  const PROMPT = randomTokens(71, 12)
  const base = { ...GREEDY, temperature: 0.8 }
  /** `exact`: whole rows come back, and log-probabilities are those of walk. */
  const SETTINGS: Readonly<Record<string, { settings: SamplingSettings; exact: boolean }>> = {
    greedy: { settings: GREEDY, exact: false },
    'top_k with top_p and min_p': {
      settings: { ...base, topK: 40, topP: 0.9, minP: 0.02 },
      exact: false,
    },
    'top_k of one': { settings: { ...base, topK: 1 }, exact: false },
    'a low temperature and min_p': { settings: { ...base, temperature: 0.3, minP: 0.1 }, exact: false },
    'penalties, which need whole rows': {
      settings: { ...base, topK: 40, repetitionPenalty: 1.2, presencePenalty: 0.5 },
      exact: true,
    },
    'logit bias, which needs whole rows': {
      settings: { ...GREEDY, logitBias: [[5, 30]] },
      exact: true,
    },
  }

  it.each(Object.entries(SETTINGS))('decide as whole rows do: %s', async (_name, { settings, exact }) => {
    const bytes = randomGguf({ seed: 72 })
    const [whole, few] = [await open(bytes), await open(bytes, { candidates: 64 })]
    const sample = sampleOf(settings, PROMPT.length)
    const run = async (engine: Engine, items: Omit<PassItem, 'sequence'>[]) => {
      const sequence = await engine.createSequence()
      const emitted = []
      for (const item of items) emitted.push(...(await engine.verify([{ sequence, ...item }]))[0]!.emitted)
      return emitted
    }
    let tokens: readonly number[] = PROMPT
    const text = []
    const sequence = await whole.createSequence()
    while (text.length < 24) {
      const [result] = await whole.verify([{ sequence, tokens, drafts: [], sample }])
      text.push(...result!.emitted)
      tokens = [result!.emitted[0]!.id]
    }
    const ids = text.map(({ id }) => id)
    const actual = await run(few, [
      { tokens: PROMPT, drafts: ids.slice(0, 10), sample },
      { tokens: ids.slice(10, 11), drafts: [...ids.slice(11, 15), (ids[15]! + 1) % 320, 4], sample },
      { tokens: ids.slice(15, 16), drafts: ids.slice(16, 23), sample },
    ])
    expect(actual.map(({ id }) => id)).toEqual(ids)
    for (const [i, { logprob, top }] of actual.entries()) {
      expect(top.map(({ id }) => id)).toEqual(text[i]!.top.map(({ id }) => id))
      expect(Math.abs(logprob - text[i]!.logprob)).toBeLessThan(exact ? 1e-9 : 1e-5)
    }
  })

  it.each([
    ['as a row of one slice', 320],
    ['as a row of three slices', 9000],
  ])(
    'settle ties by the lowest id, %s, with whole rows where the edge itself is tied',
    async (_name, vocabSize) => {
      const bytes = randomGguf({ seed: 73, vocabSize })
      // The embedding is the head: tokens i and i + half the vocabulary always have equal logits.
      const { data } = parseGguf(bytes).tensors.get('token_embd.weight')!
      data.copyWithin(data.length / 2, 0, data.length / 2)
      // An odd number of candidates ends between two equal logits.
      const engines = [
        await open(bytes),
        await open(bytes, { candidates: 21 }),
        await open(bytes, { candidates: 22 }),
      ]
      for (const settings of [GREEDY, { ...GREEDY, temperature: 1, topK: 7 }]) {
        const ids = []
        for (const engine of engines) {
          const sequence = await engine.createSequence()
          const sample = { ...sampleOf(settings, 1), topLogprobs: 5 }
          const [result] = await engine.verify([{ sequence, tokens: [3, 200, 5], drafts: [], sample }])
          ids.push(result!.emitted.map(({ id, top }) => [id, ...top.map((token) => token.id)]))
        }
        expect(ids[1]).toEqual(ids[0])
        expect(ids[2]).toEqual(ids[0])
        if (settings === GREEDY) expect(ids[0]![0]![0]).toBeLessThan(vocabSize / 2)
      }
    },
  )

  it('are the same of a row that is looked at in slices', async () => {
    const bytes = randomGguf({ seed: 71, vocabSize: 9000 })
    const settings = { ...GREEDY, temperature: 1, topK: 40 }
    const results = []
    for (const options of [{}, { candidates: 64, narrow: true }, { candidates: 64, narrow: false }]) {
      const engine = await open(bytes, options)
      const sequence = await engine.createSequence()
      const sample = sampleOf(settings, PROMPT.length)
      const [result] = await engine.verify([{ sequence, tokens: PROMPT, drafts: [], sample }])
      results.push(result!.emitted[0]!)
    }
    for (const { id, logprob, top } of results.slice(1)) {
      expect([id, ...top.map((token) => token.id)]).toEqual([
        results[0]!.id,
        ...results[0]!.top.map((token) => token.id),
      ])
      expect(Math.abs(logprob - results[0]!.logprob)).toBeLessThan(1e-5)
    }
  })

  it('give way to whole rows when logits are no numbers', async () => {
    const engine = await open(overflowing(), { candidates: 64 })
    const sequence = await engine.createSequence()
    for (const settings of [GREEDY, { ...GREEDY, temperature: 1, topK: 5 }]) {
      const sample = { ...sampleOf(settings, 1), topLogprobs: 2 }
      const [result] = await engine.verify([{ sequence, tokens: [1, 2], drafts: [3], sample }])
      expect(result!.emitted[0]!.logprob).not.toBeNaN()
    }
  })

  it('are 20 to 64', async () => {
    for (const candidates of [1, 19, 65, Number.NaN]) {
      await expect(loadWgslEngine(randomGguf(), { device: shared, candidates })).rejects.toThrow('20 to 64')
    }
  })
})

/** Every other gain of the last norm is so large that its products overflow. */
function overflowing(): Uint8Array {
  const bytes = randomGguf({ seed: 74 })
  const { data } = parseGguf(bytes).tensors.get('output_norm.weight')!
  const view = new DataView(data.buffer, data.byteOffset)
  for (let i = 0; i < data.length; i += 8) view.setFloat32(i, 3e38, true)
  return bytes
}

describe('the device', () => {
  it('takes the engine with it when it is lost, and every call says so', async () => {
    const device = await requestDevice(nodeGpu())
    const engine = await loadWgslEngine(randomGguf({ seed: 75 }), { device })
    const sequence = await engine.createSequence()
    const running = engine.forward([{ sequence, tokens: randomTokens(76, 200), logits: 'all' }])
    const ended = running.then(
      () => null,
      (error: unknown) => error,
    )
    await new Promise((resolve) => setTimeout(resolve, 20))
    device.device.destroy()
    const error = await ended
    if (error !== null) expect(error).toEqual(withCode('ENGINE_LOST', 'load the engine anew'))
    for (const call of [
      () => engine.createSequence(),
      () => engine.truncate(sequence, 0),
      () => engine.forward([{ sequence, tokens: [1], logits: 'last' }]),
      () => engine.verify([{ sequence, tokens: [1], drafts: [] }]),
    ]) {
      await expect(call()).rejects.toEqual(withCode('ENGINE_LOST', 'destroyed'))
    }
  })

  it('ends with an engine that owns it, and outlives one that does not', async () => {
    const bytes = randomGguf({ seed: 77 })
    const own = await requestDevice(nodeGpu())
    await (await loadWgslEngine(bytes, { device: own, ownsDevice: true })).unload()
    expect((await own.device.lost).reason).toBe('destroyed')
    await (await loadWgslEngine(bytes, { device: shared })).unload()
    await (await loadWgslEngine(bytes, { gpu: nodeGpu() })).unload()
    const engine = await open(bytes)
    const sequence = await engine.createSequence()
    await engine.forward([{ sequence, tokens: [1], logits: 'last' }])
  })

  it('is asked for with its adapter named, and refused with a reason', async () => {
    expect(shared.report).toMatchObject({ missing: expect.any(Array), maxBindingBytes: expect.any(Number) })
    expect(shared.report.adapter).not.toBe('')
    await expect(requestDevice(undefined)).rejects.toEqual(withCode('WEBGPU_UNAVAILABLE', 'navigator.gpu'))
    const none = { requestAdapter: async () => null } as unknown as GPU
    await expect(requestDevice(none)).rejects.toEqual(withCode('WEBGPU_UNAVAILABLE', 'no adapter'))
  })

  it('refuses a shader with the compiler’s words', async () => {
    const broken = '@compute @workgroup_size(1) fn main() { let nothing: u32 = 1.5; }'
    await expect(Pipelines.of(shared.device).get('broken', [], broken)).rejects.toEqual(
      withCode('WEBGPU_UNAVAILABLE', 'let nothing: u32 = 1.5'),
    )
  })
})

describe('memory', () => {
  it('that does not suffice is OUT_OF_MEMORY, and what was made is freed', async () => {
    const destroy = vi.fn()
    const scopes: (object | null)[] = [{ message: 'no space left' }, null]
    const device = {
      limits: { maxBufferSize: 1e9, maxStorageBufferBindingSize: 1e9 },
      pushErrorScope() {},
      popErrorScope: async () => scopes.shift() ?? null,
      createBuffer: () => ({ destroy }),
    } as unknown as GPUDevice
    const memory = new GpuMemory(device)
    await expect(memory.guarded('a test', () => memory.storage('large', 1e8))).rejects.toEqual(
      withCode('OUT_OF_MEMORY', 'no space left'),
    )
    expect(destroy).toHaveBeenCalledOnce()
  })

  it('of the KV cache ends where a binding ends; the sequence stays as it was', async () => {
    // One layer's block of 64 positions is 32 KiB: three of them fit.
    const engine = await open(randomGguf({ seed: 78, kvHeads: 2 }), { maxBufferBytes: 98_304, maxRows: 16 })
    const sequence = await engine.createSequence()
    const fill = (count: number) =>
      engine.forward([{ sequence, tokens: randomTokens(79, count), logits: 'none' }])
    for (let i = 0; i < 12; i++) await fill(16)
    await expect(fill(16)).rejects.toEqual(withCode('OUT_OF_MEMORY', '192'))
    await engine.truncate(sequence, 100)
    await fill(16)
  })

  it.each([1, 2, 4, 8, 16, 32])('of a matrix’s part is what one grid takes, with %s slices', (slices) => {
    for (const rows of [TERNARY_ROWS, DENSE_ROWS]) {
      expect(Math.ceil(MAX_PART_ROWS / (rowLanes(slices) * rows))).toBeLessThanOrEqual(MAX_WORKGROUPS)
    }
  })

  it('names the limit when a device’s buffers are too small for a model', async () => {
    await expect(
      loadWgslEngine(randomGguf({ seed: 80 }), { device: shared, maxBufferBytes: 1024 }),
    ).rejects.toEqual(withCode('WEBGPU_UNAVAILABLE', '1024'))
  })
})
