import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { parseGguf } from '../../shared/engine/gguf.ts'
import { loadReferenceEngine } from '../../shared/engine/reference/reference-engine.ts'
import { unpackTernary } from '../../shared/engine/reference/ternary-blocks.ts'
import { TernaryMatrix } from '../../shared/engine/reference/ternary-matrix.ts'

const folder = join(import.meta.dirname, '..', 'fixtures', 'reference')
const TOKENS = [509, 72, 101, 108, 108, 111, 300, 301, 17, 499, 0, 255, 256, 400, 333, 42]
/** bitnet.cpp's own two paths differ by an rms of 0.12 at a standard deviation of 8.2: 1.8 % is what "equal" can mean. */
const TOLERANCE = 0.15
/** Against its batch path, whose roundings the reference engine shares. */
const TOLERANCE_BATCH = 1e-4

function floats(name: string): Float32Array {
  const { buffer, byteOffset, length } = readFileSync(join(folder, name))
  return new Float32Array(buffer.slice(byteOffset, byteOffset + length))
}

const rms = (a: Float32Array, b: Float32Array) =>
  Math.sqrt(a.reduce((sum, value, i) => sum + (value - b[i]!) ** 2, 0) / a.length)

describe('reference engine, bitnet.cpp’s tiny model', () => {
  it.each(['i2_s', 'tq1_0', 'tq2_0'])('agrees on the logits, %s', async (type) => {
    const engine = await loadReferenceEngine(readFileSync(join(folder, `tiny-${type}-emb_f16.gguf`)))
    const sequence = await engine.createSequence()
    const [logits] = await engine.forward([{ sequence, tokens: TOKENS, logits: 'all' }])
    expect(logits).toHaveLength(TOKENS.length * 512)
    expect(rms(logits!, floats('i2_s-emb_f16-kv_f16-batch.logits.f32'))).toBeLessThan(TOLERANCE_BATCH)
    expect(rms(logits!, floats('i2_s-emb_f16-kv_f16-single.logits.f32'))).toBeLessThan(TOLERANCE)
  })

  it('computes every ternary product bit for bit', () => {
    const file = parseGguf(readFileSync(join(folder, 'tiny-i2_s-emb_f16.gguf')))
    const dump = readDump()
    const products = [
      ['attn_q', 'attn_norm', 'Qcur'],
      ['attn_k', 'attn_norm', 'Kcur'],
      ['attn_v', 'attn_norm', 'Vcur'],
      ['attn_output', 'attn_sub_norm', 'attn_o_out'],
      ['ffn_gate', 'ffn_norm', 'ffn_gate'],
      ['ffn_up', 'ffn_norm', 'ffn_up'],
      ['ffn_down', 'ffn_sub_norm', 'ffn_down'],
    ] as const
    for (const layer of [0, 1]) {
      for (const [weight, input, output] of products) {
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

/** The first tensor of each name in the dump of all intermediate results. */
function readDump(): (name: string) => Float32Array {
  const values = floats('i2_s-emb_f16-kv_f16-batch.tensors.f32')
  const entries = readFileSync(join(folder, 'i2_s-emb_f16-kv_f16-batch.tensors.jsonl'), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { name: string; n: number; shape: number[]; offset: number })
  return (name) => {
    const { offset, shape } = entries.find((entry) => entry.name === name && entry.n === 0)!
    return values.subarray(offset / 4, offset / 4 + shape.reduce((a, b) => a * b))
  }
}
