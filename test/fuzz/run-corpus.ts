// node test/fuzz/run-corpus.ts SEED COUNT: feeds the kept corpus and COUNT mutations of the seeds to the native engine (and
// the mutations to the reference engine), in a process of its own because a finding may end it. Prints what happened as JSON.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { loadNativeAddon } from '../../native-host/engine/native-addon.ts'
import { loadNativeEngine } from '../../native-host/engine/native-engine.ts'
import type { Engine } from '../../shared/engine/engine.ts'
import { EngineError } from '../../shared/engine/engine-error.ts'
import { loadReferenceEngine } from '../../shared/engine/reference/reference-engine.ts'
import { Random } from '../support/random.ts'
import { mutate } from './mutate.ts'
import { seeds } from './seeds.ts'

const [seed = 1, count = 100] = process.argv.slice(2).map(Number)
const addon = loadNativeAddon()
const outcome = {
  corpus: 0,
  mutations: 0,
  loaded: 0,
  refused: {} as Record<string, number>,
  laxer: [] as string[],
}

/** Loads, runs, verifies. @returns null, or the code of the refusal; anything but an EngineError is a finding. */
async function feed(bytes: Uint8Array, open: (bytes: Uint8Array) => Promise<Engine>): Promise<string | null> {
  try {
    const engine = await open(bytes)
    const last = engine.info.model.vocabSize - 1
    const sequence = await engine.createSequence()
    await engine.forward([{ sequence, tokens: [0, last], logits: 'all' }])
    await engine.unload()
    return null
  } catch (error) {
    if (error instanceof EngineError) return error.code
    throw error
  }
}

const kernels = addon.kernels()
const native = (bytes: Uint8Array) =>
  loadNativeEngine(bytes, { addon, threads: 1, kernel: kernels[bytes.length % kernels.length]! })

const folder = join(import.meta.dirname, 'corpus')
for (const name of readdirSync(folder)) {
  await feed(readFileSync(join(folder, name)), native)
  outcome.corpus++
}

const random = new Random(seed)
const originals = [...seeds().values()]
for (let i = 0; i < count; i++) {
  const bytes = mutate(random.pick(originals), random)
  const code = await feed(bytes, native)
  const reference = await feed(bytes, loadReferenceEngine)
  // The native engine may be stricter (it refuses numbers that are not finite, and tensors that overlap), never laxer.
  if (code === null && reference !== null) outcome.laxer.push(`mutation ${i}: ${reference}`)
  outcome.mutations++
  if (code === null) outcome.loaded++
  else outcome.refused[code] = (outcome.refused[code] ?? 0) + 1
}
process.stdout.write(JSON.stringify(outcome))
