import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { parseGguf } from '../../shared/engine/gguf.ts'
import { loadReferenceEngine } from '../../shared/engine/reference/reference-engine.ts'
import { unpackTernary } from '../../shared/engine/reference/ternary-blocks.ts'
import { TernaryMatrix } from '../../shared/engine/reference/ternary-matrix.ts'
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

describe('reference engine, bitnet.cpp’s tiny model', () => {
  it.each(['i2_s', 'tq1_0', 'tq2_0'])('agrees on the logits, %s', async (type) => {
    const engine = await loadReferenceEngine(readFileSync(join(FIXTURE_FOLDER, `tiny-${type}-emb_f16.gguf`)))
    const sequence = await engine.createSequence()
    const [logits] = await engine.forward([{ sequence, tokens: TOKENS, logits: 'all' }])
    expect(logits).toHaveLength(TOKENS.length * 512)
    expect(rms(logits!, floats('i2_s-emb_f16-kv_f16-batch.logits.f32'))).toBeLessThan(RMS_AGAINST_BATCH)
    expect(rms(logits!, floats('i2_s-emb_f16-kv_f16-single.logits.f32'))).toBeLessThan(RMS_TOLERANCE)
  })

  it('computes every ternary product bit for bit', () => {
    const file = parseGguf(readFileSync(join(FIXTURE_FOLDER, 'tiny-i2_s-emb_f16.gguf')))
    const dump = readDump()
    for (const layer of [0, 1]) {
      for (const [weight, input, output] of PRODUCTS) {
        const tensor = file.tensors.get(`blk.${layer}.${weight}.weight`)!
        const { rows, columns } = tensor
        const matrix = new TernaryMatrix(rows, columns, unpackTernary(tensor))
        const x = dump(`${input}-${layer}`)
        const y = new Float32Array(TOKENS.length * rows)
        for (const i of TOKENS.keys()) {
          matrix.multiply(x.subarray(i * columns, (i + 1) * columns), y.subarray(i * rows, (i + 1) * rows))
        }
        expect(y, `${weight} of layer ${layer}`).toEqual(dump(`${output}-${layer}`))
      }
    }
  })
})
