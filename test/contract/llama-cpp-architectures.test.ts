import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { getLlama, type Llama, LlamaLogLevel } from 'node-llama-cpp'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { loadNativeEngine } from '../../native-host/engine/native-engine.ts'
import type { ActivationScales } from '../../shared/engine/architecture.ts'
import { loadReferenceEngine } from '../../shared/engine/reference/reference-engine.ts'
import { compareLogits, engineLogits, llamaLogits } from '../support/llama-cpp.ts'
import { builtAddon } from '../support/native-addon.ts'
import { Random } from '../support/random.ts'
import { type RandomModel, randomGguf } from '../support/random-gguf.ts'
import { TABLE_TYPES } from '../support/random-table.ts'
import { tempFolder } from '../support/temp-folder.ts'

/*
 * llama.cpp's graphs and types against ours, on small random models. With float matrices nothing is rounded to int8, and a graph
 * agrees to about 1e-4 or is another one. With ternary matrices llama.cpp rounds activations in blocks of 32 or 256, we by the
 * weights' groups or per token: independent roundings of about 0.8 % each in every product, that random layers amplify. So
 * the layers say little as against the embedding (graphs are compared above), and a third opinion tells whose rounding it is:
 * the same model with its ternary matrices written as F32, which nobody rounds.
 */
const FLOAT_TOLERANCE = 0.002
const RMS_TOLERANCE = 0.02
const RESIDUAL = { graphs: 0.5, types: 0.125 }
const VOCABULARY = 320
const LENGTH = 96

const addon = builtAddon()
const random = new Random(77)
const texts = [0, 1].map(() => Array.from({ length: LENGTH }, () => random.integer(VOCABULARY)))

let llama: Llama
beforeAll(async () => {
  llama = await getLlama({ gpu: false, build: 'never', logLevel: LlamaLogLevel.error })
})
afterAll(() => llama.dispose())

const GRAPHS: Readonly<Record<string, RandomModel>> = {
  qwen3: { architecture: 'qwen3', head: 'F32' },
  'qwen3, heads wider than the embedding': { architecture: 'qwen3', headDim: 128, heads: 4, kvHeads: 1 },
  'qwen3 with linear scaling': { architecture: 'qwen3', ropeScaling: { type: 'linear', factor: 4 } },
  'qwen3 with YaRN': {
    ...{ architecture: 'qwen3', contextLength: 4096 },
    ropeScaling: { type: 'yarn', factor: 4, originalContext: 1024 },
  },
  llama: { architecture: 'llama', head: 'F32' },
  'llama with rotary factors': { architecture: 'llama', ropeFactors: true },
  'llama with linear scaling': { architecture: 'llama', ropeScaling: { type: 'linear', factor: 4 } },
  'llama with YaRN': {
    ...{ architecture: 'llama', contextLength: 4096 },
    ropeScaling: { type: 'yarn', factor: 2, originalContext: 2048 },
  },
}

const TYPES: Readonly<Record<string, RandomModel>> = {
  'qwen3 Q2_0, tied Q2_0': { architecture: 'qwen3', type: 'Q2_0', table: 'Q2_0', scales: 'block' },
  'qwen3 Q2_0, own Q2_0 head, heads wider than the embedding': {
    ...{ architecture: 'qwen3', type: 'Q2_0', table: 'Q2_0', head: 'Q2_0', scales: 'block' },
    ...{ headDim: 128, heads: 4, kvHeads: 1, layers: 3 },
  },
  'qwen3 Q2_0 with twos, F16 head': {
    ...{ architecture: 'qwen3', type: 'Q2_0', twos: true, head: 'F16', residual: RESIDUAL.types / 2 },
  },
  'qwen3 TQ2_0, Q6_K head': { architecture: 'qwen3', type: 'TQ2_0', head: 'Q6_K' },
  'qwen3 TQ1_0, Q8_0 head': { architecture: 'qwen3', type: 'TQ1_0', head: 'Q8_0' },
  'llama Q2_0, F16 head': { architecture: 'llama', type: 'Q2_0', scales: 'block', head: 'F16' },
  'llama TQ2_0, Q8_0 head': { architecture: 'llama', type: 'TQ2_0', head: 'Q8_0' },
  'llama TQ1_0, Q6_K head': { architecture: 'llama', type: 'TQ1_0', head: 'Q6_K' },
  ...Object.fromEntries(
    TABLE_TYPES.map((table) => [
      `qwen3 F32, tied ${table}`,
      { architecture: 'qwen3', type: 'F32', layers: 1, table },
    ]),
  ),
}

interface Case {
  readonly name: string
  readonly model: RandomModel
  readonly tolerance: number
}

async function agrees({ name, model, tolerance }: Case): Promise<void> {
  const path = join(await tempFolder(), 'model.gguf')
  const whole = { vocabSize: VOCABULARY, seed: 5, ...model }
  const bytes = randomGguf(whole)
  await writeFile(path, bytes)
  const theirs = await llamaLogits(llama, path, texts, VOCABULARY)
  expect(theirs).toHaveLength(texts.length * (LENGTH - 1))
  const open = (file: Uint8Array, activationScales: ActivationScales) => ({
    reference: () => loadReferenceEngine(file, { activationScales }),
    native: () => loadNativeEngine(file, { addon, activationScales, head: 'file' }),
  })
  const exact = open(randomGguf({ ...whole, asFloats: true }), 'group')
  const floats = await engineLogits(await exact.native(), texts)
  const rounding = compareLogits(theirs, floats, tolerance).rms
  for (const activationScales of ['group', 'token'] as const) {
    for (const [kind, load] of Object.entries(open(bytes, activationScales))) {
      const ours = await engineLogits(await load(), texts)
      const { rms, clear, sameArgmax } = compareLogits(ours, theirs, tolerance)
      const own = compareLogits(ours, floats, tolerance).rms
      const percent = (share: number) => `${(100 * share).toFixed(3)} %`
      process.stderr.write(
        `${name}, ${kind}, a scale per ${activationScales}: rms ${percent(rms)} of the deviation, argmax ${sameArgmax} of ` +
          `${clear} clear rows; against float activations ${percent(own)}, llama.cpp ${percent(rounding)}\n`,
      )
      expect(rms, kind).toBeGreaterThan(0)
      expect(rms, kind).toBeLessThanOrEqual(tolerance)
      expect(clear, kind).toBeGreaterThan(100)
      expect(sameArgmax, kind).toBe(clear)
      expect(own, kind).toBeLessThanOrEqual(tolerance)
    }
  }
}

describe('against llama.cpp', () => {
  it.each(Object.entries(GRAPHS))('is the same graph: %s', (name, graph) =>
    agrees({
      name,
      model: { type: 'F32', table: 'F32', residual: RESIDUAL.graphs, ...graph },
      tolerance: FLOAT_TOLERANCE,
    }),
  )

  it.each(Object.entries(TYPES))('agrees on the logits: %s', (name, types) =>
    agrees({ name, model: { residual: RESIDUAL.types, ...types }, tolerance: RMS_TOLERANCE }),
  )
})
