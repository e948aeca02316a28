import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import type { HeadPrecision } from '../../native-host/engine/engine-options.ts'
import { loadNativeEngine } from '../../native-host/engine/native-engine.ts'
import { divergence } from '../support/divergence.ts'
import { GgufSurgery } from '../support/gguf-surgery.ts'
import { halfValue } from '../support/half-bits.ts'
import { engineLogits } from '../support/llama-cpp.ts'
import { builtAddon } from '../support/native-addon.ts'
import { packQ6K } from '../support/q6k.ts'

const addon = builtAddon()
const embedded = new URL('../../models/embedded/', import.meta.url)
const { sequences } = JSON.parse(readFileSync(new URL('validation.json', embedded), 'utf8')) as {
  sequences: { tokens: number[] }[]
}
const texts = sequences.slice(0, 6).map(({ tokens }) => tokens)

/** The model with its F16 table of embeddings rounded to Q6_K for a head of its own. */
function withQ6KHead(original: Uint8Array, rows: number, columns: number): Uint8Array {
  const file = new GgufSurgery(original)
  const from = file.data('token_embd.weight')
  const halves = new DataView(original.buffer, original.byteOffset + from, rows * columns * 2)
  const table = Float32Array.from({ length: rows * columns }, (_, i) =>
    halfValue(halves.getUint16(2 * i, true)),
  )
  return file.withTensor('output.weight', [columns, rows], 14, packQ6K(table))
}

describe('the head of the embedded target', () => {
  it('rounded to int8 moves what the model says less than one in Q6_K does', async () => {
    const original = new Uint8Array(readFileSync(new URL('target.gguf', embedded)))
    const logitsOf = async (model: Uint8Array, head: HeadPrecision) =>
      engineLogits(await loadNativeEngine(model, { addon, head }), texts)
    const { info } = await loadNativeEngine(original, { addon })
    const exact = await logitsOf(original, 'file')
    const rounded = {
      int8: await logitsOf(original, 'int8'),
      Q6_K: await logitsOf(withQ6KHead(original, info.model.vocabSize, info.model.embedding), 'file'),
    }
    const mean = Object.fromEntries(
      Object.entries(rounded).map(([head, rows]) => [
        head,
        rows.reduce((sum, row, i) => sum + divergence(exact[i]!, row), 0) / rows.length,
      ]),
    )
    console.info(
      `head of the target, ${exact.length} positions: KL against F16 ${mean.int8!.toExponential(2)} nats as int8 with int8 ` +
        `activations, ${mean.Q6_K!.toExponential(2)} as Q6_K with float activations`,
    )
    expect(exact.length).toBeGreaterThan(1000)
    expect(mean.int8).toBeGreaterThan(0)
    expect(mean.int8).toBeLessThanOrEqual(mean.Q6_K!)
  })
})
