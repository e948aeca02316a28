import type { Variant } from './lanes.wgsl.ts'
import { each } from './repeat.ts'

/**
 * How 16 codes of 2 bits in a word meet 16 activations of 8. A word of activations takes the places of the word of codes
 * shifted by 2j and masked, so that nothing is shuffled. Exact: integers all the way.
 */
export interface ProductForm {
  /** Words of activations per 16 columns. */
  readonly words: number
  readonly mask: string
  /** The words of 16 columns, a vec4 each, of `q0` … `q3`: vec4<i32> of 4 columns each. */
  readonly packed: readonly string[]
  /** Type and start of an accumulator over 64 columns, what adds a product to it, and its value as i32. */
  readonly start: string
  add(sum: string, codes: string, values: string): string
  total(sum: string): string
}

/** Four signed bytes a word: byte i of word j holds column 4i + j. One dot4I8Packed a word. */
const DOT4: ProductForm = {
  words: 4,
  mask: '0x03030303u',
  packed: [
    '(bitcast<vec4<u32>>(q0) & vec4<u32>(0xffu)) | ((bitcast<vec4<u32>>(q1) & vec4<u32>(0xffu)) << vec4<u32>(8u)) | ' +
      '((bitcast<vec4<u32>>(q2) & vec4<u32>(0xffu)) << vec4<u32>(16u)) | (bitcast<vec4<u32>>(q3) << vec4<u32>(24u))',
  ],
  start: '0',
  add: (sum, codes, values) => `${sum} += dot4I8Packed(${codes}, ${values});`,
  total: (sum) => sum,
}

/**
 * Two 16-bit halves a word, as lo + hi · 2^16 (mod 2^32): hi of word j is column j, lo column 8 + j. With codes c0 + c1 · 2^16 of those
 * columns, one multiplication gives c0·lo + (c0·hi + c1·lo) · 2^16: the upper half is the dot product of two. Over 64 columns
 * the halves stay within ±32 · 2 · 3 · 128 = ±24576, so both can be told apart in the end.
 */
const HALVES: ProductForm = {
  words: 8,
  mask: '0x00030003u',
  packed: [
    'bitcast<vec4<u32>>(q2) + (bitcast<vec4<u32>>(q0) << vec4<u32>(16u))',
    'bitcast<vec4<u32>>(q3) + (bitcast<vec4<u32>>(q1) << vec4<u32>(16u))',
  ],
  start: '0u',
  add: (sum, codes, values) => `${sum} += ${codes} * ${values};`,
  total: (sum) => `((i32(${sum}) - ((i32(${sum}) << 16u) >> 16u)) >> 16u)`,
}

export function productForm(variant: Variant): ProductForm {
  return variant.dot4 ? DOT4 : HALVES
}

/** const names of the codes of `word` met by each word of activations: `name_0` … */
export function splitCodes(form: ProductForm, name: string, word: string): string {
  return each(form.words, (j) => `let ${name}_${j} = (${word} >> ${2 * j}u) & ${form.mask};`)
}
