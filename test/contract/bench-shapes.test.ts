import { getLlama, type Llama, LlamaLogLevel } from 'node-llama-cpp'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { loadNativeEngine } from '../../native-host/engine/native-engine.ts'
import { type ShapeFileOptions, shapeFile } from '../bench/engine/shape-file.ts'
import { SHAPES } from '../bench/engine/shapes.ts'
import { compareLogits, engineLogits, llamaLogits } from '../support/llama-cpp.ts'
import { builtAddon } from '../support/native-addon.ts'
import { TERNARY_TYPES } from '../support/pack-ternary.ts'
import { Random } from '../support/random.ts'
import { tempFolder } from '../support/temp-folder.ts'

/*
 * The models that benchmarks run are made by another generator than the other tests' random models: what it writes must be
 * the same model to every engine that is timed.
 */
const RMS_TOLERANCE = 0.03
const LENGTH = 48

const { vocabulary } = SHAPES.tiny
const addon = builtAddon()
const random = new Random(4)
const texts = [Array.from({ length: LENGTH }, () => random.integer(vocabulary))]

let llama: Llama
beforeAll(async () => {
  llama = await getLlama({ gpu: false, build: 'never', logLevel: LlamaLogLevel.error })
})
afterAll(() => llama.dispose())

const fileOf = async (options: Omit<ShapeFileOptions, 'shape'>) =>
  shapeFile({ shape: 'tiny', ...options }, await tempFolder())
const logitsOf = async (path: string) => engineLogits(await loadNativeEngine(path, { addon }), texts)

describe('a model with random weights', () => {
  it('has logits of a few units', async () => {
    const logits = (await logitsOf(await fileOf({}))).flatMap((row) => [...row])
    const deviation = Math.sqrt(logits.reduce((sum, value) => sum + value ** 2, 0) / logits.length)
    expect(deviation).toBeGreaterThan(1.5)
    expect(deviation).toBeLessThan(6)
  })

  it.each(TERNARY_TYPES.filter((type) => type !== 'I2_S'))('is the same in %s as in I2_S', async (type) => {
    const ours = await logitsOf(await fileOf({ type }))
    // A scale in half precision.
    const { rms, clear, sameArgmax } = compareLogits(ours, await logitsOf(await fileOf({})), RMS_TOLERANCE)
    expect(rms).toBeLessThanOrEqual(RMS_TOLERANCE)
    expect(clear).toBeGreaterThan(LENGTH / 4)
    expect(sameArgmax).toBe(clear)
  })

  it.each([
    { architecture: 'bitnet', type: 'TQ2_0' },
    { architecture: 'bitnet', type: 'TQ1_0', head: 'Q6_K' },
    { architecture: 'bitnet', type: 'Q2_0' },
    { architecture: 'qwen3', type: 'Q2_0', head: 'Q2_0' },
    { architecture: 'llama', type: 'TQ1_0', head: 'TQ1_0' },
  ] as const)('is the same to llama.cpp: $architecture, $type, head $head', async (options) => {
    const path = await fileOf(options)
    const theirs = await llamaLogits(llama, path, texts, vocabulary)
    const { rms, clear, sameArgmax } = compareLogits(await logitsOf(path), theirs, RMS_TOLERANCE)
    process.stderr.write(`${JSON.stringify(options)}: rms ${(rms * 100).toFixed(2)} %\n`)
    expect(rms).toBeLessThanOrEqual(RMS_TOLERANCE)
    expect(clear).toBeGreaterThan(LENGTH / 4)
    expect(sameArgmax).toBe(clear)
  })
})

describe('how fast memory is read', () => {
  it('is a positive number of bytes per second', async () => {
    const speed = await addon.readBandwidth(2)
    expect(speed).toBeGreaterThan(0)
    expect(speed).toBeLessThan(1e14)
  })

  it.each([0, 257, -1])('is not asked of %s threads', (threads) => {
    expect(() => addon.readBandwidth(threads)).toThrow(/threads: 1 to 256/)
  })
})
