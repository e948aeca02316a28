import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { loadNativeEngine } from '../../native-host/engine/native-engine.ts'
import { parseGguf } from '../../shared/engine/gguf.ts'
import { unpackTernary } from '../../shared/engine/reference/ternary-blocks.ts'
import { quantise } from '../../shared/engine/reference/ternary-matrix.ts'
import {
  FIXTURE_FOLDER,
  floats,
  PRODUCTS,
  RMS_AGAINST_BATCH,
  RMS_TOLERANCE,
  readDump,
  rms,
  TOKENS,
} from '../support/bitnet-cpp-fixture.ts'
import { builtAddon } from '../support/native-addon.ts'

const addon = builtAddon()
const VOCABULARY = 512

describe.each(addon.kernels())('native engine, kernel %s', (kernel) => {
  test.each(['i2_s', 'tq1_0', 'tq2_0'])('agrees with bitnet.cpp on the %s file', async (type) => {
    const engine = await loadNativeEngine(join(FIXTURE_FOLDER, `tiny-${type}-emb_f16.gguf`), {
      kernel,
      head: 'file',
      addon,
    })
    expect(engine.info).toMatchObject({ kind: 'native', kernel, model: { vocabSize: VOCABULARY, layers: 2 } })
    const sequence = await engine.createSequence()
    const [logits] = await engine.forward([{ sequence, tokens: TOKENS, logits: 'all' }])
    expect(rms(logits!, floats('i2_s-emb_f16-kv_f16-batch.logits.f32'))).toBeLessThan(RMS_AGAINST_BATCH)
    expect(rms(logits!, floats('i2_s-emb_f16-kv_f16-single.logits.f32'))).toBeLessThan(RMS_TOLERANCE)
    await engine.unload()
  })

  test('computes every ternary product of bitnet.cpp bit for bit', () => {
    const file = parseGguf(readFileSync(join(FIXTURE_FOLDER, 'tiny-i2_s-emb_f16.gguf')))
    const dump = readDump()
    let compared = 0
    for (const layer of [0, 1]) {
      for (const [weight, input, output] of PRODUCTS) {
        const tensor = file.tensors.get(`blk.${layer}.${weight}.weight`)!
        const { codes, scales } = unpackTernary(tensor)
        const x = dump(`${input}-${layer}`)
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
        expect(y, `${weight} of layer ${layer}`).toEqual(dump(`${output}-${layer}`))
        compared++
      }
    }
    expect(compared).toBe(14)
  })
})

function row(x: Float32Array, index: number, width: number): Float32Array {
  return x.subarray(index * width, (index + 1) * width)
}

test('kernel sets are offered best first, and one runs everywhere', () => {
  const bestFirst = ['amx', 'avx512vnni', 'avxvnni', 'avx2', 'neon', 'portable']
  expect(addon.kernels().at(-1)).toBe('portable')
  expect(addon.kernels()).toEqual(bestFirst.filter((name) => addon.kernels().includes(name)))
})
