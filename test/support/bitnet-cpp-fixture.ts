import { readFileSync } from 'node:fs'
import { join } from 'node:path'

/** What bitnet.cpp computed on the tiny model; test/fixtures/reference/README.md says how. */
export const FIXTURE_FOLDER = join(import.meta.dirname, '..', 'fixtures', 'reference')
export const TOKENS = [509, 72, 101, 108, 108, 111, 300, 301, 17, 499, 0, 255, 256, 400, 333, 42]
/** Root mean square that bitnet.cpp's own two paths are apart, rounded up: 1.8 % of the logits' deviation. */
export const RMS_TOLERANCE = 0.15
/** What we reach against its batch path: the same roundings, another order of sums. */
export const RMS_AGAINST_BATCH = 1e-4

/** Weight, the tensor it multiplies, the product. Each name's first occurrence in the dump. */
export const PRODUCTS = [
  ['attn_q', 'attn_norm', 'Qcur'],
  ['attn_k', 'attn_norm', 'Kcur'],
  ['attn_v', 'attn_norm', 'Vcur'],
  ['attn_output', 'attn_sub_norm', 'attn_o_out'],
  ['ffn_gate', 'ffn_norm', 'ffn_gate'],
  ['ffn_up', 'ffn_norm', 'ffn_up'],
  ['ffn_down', 'ffn_sub_norm', 'ffn_down'],
] as const

/** A file of little-endian float32. */
export function floats(name: string): Float32Array {
  const { buffer, byteOffset, length } = readFileSync(join(FIXTURE_FOLDER, name))
  return new Float32Array(buffer.slice(byteOffset, byteOffset + length))
}

/** Root mean square of the differences. @throws {RangeError} when the lengths differ */
export function rms(a: Float32Array, b: Float32Array): number {
  if (a.length !== b.length) throw new RangeError(`${a.length} values against ${b.length}`)
  return Math.sqrt(a.reduce((sum, value, i) => sum + (value - b[i]!) ** 2, 0) / a.length)
}

/** The first tensor of each name in the dump of all intermediate results. */
export function readDump(): (name: string) => Float32Array {
  const values = floats('i2_s-emb_f16-kv_f16-batch.tensors.f32')
  const entries = readFileSync(join(FIXTURE_FOLDER, 'i2_s-emb_f16-kv_f16-batch.tensors.jsonl'), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { name: string; n: number; shape: number[]; offset: number })
  return (name) => {
    const { offset, shape } = entries.find((entry) => entry.name === name && entry.n === 0)!
    return values.subarray(offset / 4, offset / 4 + shape.reduce((a, b) => a * b))
  }
}
