import type { Matrix } from './matrix.ts'
import type { TernaryWeights } from './ternary-blocks.ts'

/** 1.5 · 2^52: adding and subtracting it in float64 rounds to an integer, half to even. */
const ROUND = 1.5 * 2 ** 52

/**
 * Rounds a row of activations to int8: `out` = round(x · factor), factor = 127 / max|x| in float32 (bitnet.cpp's definition,
 * so that integer products are the same everywhere). @returns the factor
 */
export function quantise(x: Float32Array, out: Int8Array): number {
  let largest = 1e-5
  for (let i = 0; i < x.length; i++) largest = Math.max(largest, Math.abs(x[i]!))
  const factor = Math.fround(127 / largest)
  for (let i = 0; i < x.length; i++) {
    const rounded = Math.fround(x[i]! * factor) + ROUND - ROUND
    out[i] = Math.min(127, Math.max(-128, rounded))
  }
  return factor
}

/** Weights −1, 0, 1 times a scale per tensor or per group of columns; activations are int8 with one factor per row. */
export class TernaryMatrix implements Matrix {
  readonly rows: number
  readonly columns: number
  readonly #weights: TernaryWeights
  readonly #quantised: Int8Array

  constructor(rows: number, columns: number, weights: TernaryWeights) {
    this.rows = rows
    this.columns = columns
    this.#weights = weights
    this.#quantised = new Int8Array(columns)
  }

  /** Integer sums inside a scale are exact; then (Σ / factor) · scale in float32, in this order. */
  multiply(x: Float32Array, out: Float32Array): void {
    const { codes, groupColumns, scales } = this.#weights
    const values = this.#quantised
    const factor = quantise(x, values)
    if (scales.length === 1) {
      const scale = scales[0]!
      for (let r = 0; r < this.rows; r++) {
        const sum = dot(codes, r * this.columns, values, 0, this.columns)
        out[r] = Math.fround(sum / factor) * scale
      }
      return
    }
    for (let r = 0, group = 0; r < this.rows; r++) {
      let total = 0
      for (let c = 0; c < this.columns; c += groupColumns, group++) {
        total += dot(codes, r * this.columns + c, values, c, groupColumns) * scales[group]!
      }
      out[r] = Math.fround(total) / factor
    }
  }

  row(index: number, out: Float32Array): void {
    const { codes, groupColumns, scales } = this.#weights
    const start = index * this.columns
    for (let c = 0; c < this.columns; c++) {
      const group = scales.length === 1 ? 0 : Math.floor((start + c) / groupColumns)
      out[c] = codes[start + c]! * scales[group]!
    }
  }
}

/** Σ codes[at + i] · values[from + i], i < count; |Σ| < 2^31 because no row is longer than 2^23. */
function dot(codes: Int8Array, at: number, values: Int8Array, from: number, count: number): number {
  let sum = 0
  let i = 0
  for (; i + 4 <= count; i += 4) {
    sum =
      (sum +
        codes[at + i]! * values[from + i]! +
        codes[at + i + 1]! * values[from + i + 1]! +
        codes[at + i + 2]! * values[from + i + 2]! +
        codes[at + i + 3]! * values[from + i + 3]!) |
      0
  }
  for (; i < count; i++) sum = (sum + codes[at + i]! * values[from + i]!) | 0
  return sum
}
