import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { loadNativeEngine } from '../../native-host/engine/native-engine.ts'
import { parseGguf } from '../../shared/engine/gguf.ts'
import { unpackTernary } from '../../shared/engine/reference/ternary-blocks.ts'
import { quantise } from '../../shared/engine/reference/ternary-matrix.ts'
import { builtAddon } from '../support/native-addon.ts'

const addon = builtAddon()
const folder = join(import.meta.dirname, '..', 'fixtures', 'reference')
const TOKENS = [509, 72, 101, 108, 108, 111, 300, 301, 17, 499, 0, 255, 256, 400, 333, 42]
const VOCABULARY = 512
/** Root mean square that bitnet.cpp's own two paths are apart, rounded up (see the fixtures' README). */
const RMS_TOLERANCE = 0.15
/** What we reach against its batch path: the same roundings, another order of sums. */
const RMS_AGAINST_BATCH = 1e-4

function floats(name: string): Float32Array {
  const bytes = readFileSync(join(folder, name))
  return new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length))
}

function rms(a: Float32Array, b: Float32Array): number {
  expect(a.length).toBe(b.length)
  return Math.sqrt(a.reduce((sum, x, i) => sum + (x - b[i]!) ** 2, 0) / a.length)
}

describe.each(addon.kernels())('native engine, kernel %s', (kernel) => {
  test.each(['i2_s', 'tq1_0', 'tq2_0'])('agrees with bitnet.cpp on the %s file', async (type) => {
    const engine = await loadNativeEngine(join(folder, `tiny-${type}-emb_f16.gguf`), { kernel, addon })
    expect(engine.info).toMatchObject({ kind: 'native', kernel, model: { vocabSize: VOCABULARY, layers: 2 } })
    const sequence = await engine.createSequence()
    const [logits] = await engine.forward([{ sequence, tokens: TOKENS, logits: 'all' }])
    expect(rms(logits!, floats('i2_s-emb_f16-kv_f16-batch.logits.f32'))).toBeLessThan(RMS_AGAINST_BATCH)
    expect(rms(logits!, floats('i2_s-emb_f16-kv_f16-single.logits.f32'))).toBeLessThan(RMS_TOLERANCE)
    await engine.unload()
  })

  test('computes every ternary product of bitnet.cpp bit for bit', () => {
    const file = parseGguf(readFileSync(join(folder, 'tiny-i2_s-emb_f16.gguf')))
    const dump = new Dump()
    let compared = 0
    for (const layer of [0, 1]) {
      for (const [weight, input, output] of PRODUCTS) {
        const tensor = file.tensors.get(`blk.${layer}.${weight}.weight`)!
        const { codes, scales } = unpackTernary(tensor)
        const x = dump.tensor(`${input}-${layer}`)
        const values = new Int8Array(x.length)
        const factors = TOKENS.map((_, i) =>
          quantise(row(x, i, tensor.columns), values.subarray(i * tensor.columns, (i + 1) * tensor.columns)),
        )
        const unsigned = Uint8Array.from(codes, (code) => code + 1)
        const sums = addon.ternaryProduct(kernel, unsigned, tensor.rows, values, TOKENS.length)
        const y = Float32Array.from(
          sums,
          (sum, i) => Math.fround(sum / factors[Math.floor(i / tensor.rows)]!) * scales[0]!,
        )
        expect(y, `${weight} of layer ${layer}`).toEqual(dump.tensor(`${output}-${layer}`))
        compared++
      }
    }
    expect(compared).toBe(14)
  })
})

/** Weight, the tensor it multiplies, the product. Each name's first occurrence in the dump. */
const PRODUCTS = [
  ['attn_q', 'attn_norm', 'Qcur'],
  ['attn_k', 'attn_norm', 'Kcur'],
  ['attn_v', 'attn_norm', 'Vcur'],
  ['attn_output', 'attn_sub_norm', 'attn_o_out'],
  ['ffn_gate', 'ffn_norm', 'ffn_gate'],
  ['ffn_up', 'ffn_norm', 'ffn_up'],
  ['ffn_down', 'ffn_sub_norm', 'ffn_down'],
] as const

class Dump {
  readonly #values = floats('i2_s-emb_f16-kv_f16-batch.tensors.f32')
  readonly #entries = readFileSync(join(folder, 'i2_s-emb_f16-kv_f16-batch.tensors.jsonl'), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { name: string; n: number; shape: number[]; offset: number })

  tensor(name: string): Float32Array {
    const entry = this.#entries.find((candidate) => candidate.name === name && candidate.n === 0)!
    const start = entry.offset / 4
    return this.#values.subarray(start, start + entry.shape.reduce((a, b) => a * b))
  }
}

function row(x: Float32Array, index: number, width: number): Float32Array {
  return x.subarray(index * width, (index + 1) * width)
}

test('every kernel set of this processor was run', () => {
  expect(addon.kernels().at(-1)).toBe('portable')
})
