import type { Matrix } from './matrix.ts'
import type { TernaryWeights } from './ternary-blocks.ts'

/** 1.5 · 2^52: adding and subtracting it in float64 rounds to an integer, half to even. */
const ROUND = 1.5 * 2 ** 52

/**
 * Rounds a row of activations to int8: `out` = round(x · factor), factor = 127 / max|x| in float32 (bitnet.cpp's definition,
 * so that integer products are the same everywhere). @returns the factor
 */
export function quantise(x: Float32Array, out: Int8Array): number {
  const factor = Math.fround(127 / largestOf(x, 1e-5))
  roundTo(x, factor, out)
  return factor
}

/**
 * The same for every `group` columns by themselves. Nothing below 1e-30 counts; a model trained with 16-bit activations may
 * say something in small numbers, so the bound is not BitNet's. `steps` = max|x| / 127 in float32, one per group.
 */
export function quantiseGroups(x: Float32Array, group: number, out: Int8Array, steps: Float32Array): void {
  for (let start = 0, g = 0; start < x.length; start += group, g++) {
    const part = x.subarray(start, start + group)
    const largest = largestOf(part, 1e-30)
    roundTo(part, Math.fround(127 / largest), out.subarray(start, start + group))
    steps[g] = largest / 127
  }
}

function largestOf(x: Float32Array, least: number): number {
  let largest = least
  for (let i = 0; i < x.length; i++) largest = Math.max(largest, Math.abs(x[i]!))
  return largest
}

function roundTo(x: Float32Array, factor: number, out: Int8Array): void {
  for (let i = 0; i < x.length; i++) {
    const rounded = Math.fround(x[i]! * factor) + ROUND - ROUND
    out[i] = Math.min(127, Math.max(-128, rounded))
  }
}

/** Weights −1, 0, 1 times a scale per tensor or per group of columns; activations are int8. */
export class TernaryMatrix implements Matrix {
  readonly rows: number
  readonly columns: number
  readonly #weights: TernaryWeights
  readonly #quantised: Int8Array
  readonly #group: number
  readonly #steps: Float32Array

  /** @param group columns of activations that share a scale, of which the weights' groups are multiples; 0: all share one */
  constructor(rows: number, columns: number, weights: TernaryWeights, group = 0) {
    this.rows = rows
    this.columns = columns
    this.#weights = weights
    this.#quantised = new Int8Array(columns)
    this.#group = group
    this.#steps = new Float32Array(group === 0 ? 0 : columns / group)
  }

  multiply(x: Float32Array, out: Float32Array): void {
    if (this.#group === 0) this.#multiplyRows(x, out)
    else this.#multiplyGroups(x, out)
  }

  /** Integer sums inside a scale are exact; then (Σ / factor) · scale in float32, in this order. */
  #multiplyRows(x: Float32Array, out: Float32Array): void {
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

  /** Σ over the activations' groups of an exact integer sum, times the group's step, times the weights' scale. */
  #multiplyGroups(x: Float32Array, out: Float32Array): void {
    const { codes, groupColumns, scales } = this.#weights
    const values = this.#quantised
    const steps = this.#steps
    const group = this.#group
    quantiseGroups(x, group, values, steps)
    const scaleOf = (at: number) =>
      scales.length === 1 ? scales[0]! : scales[Math.floor(at / groupColumns)]!
    for (let r = 0, at = 0; r < this.rows; r++) {
      let total = 0
      for (let c = 0, g = 0; c < this.columns; c += group, g++, at += group) {
        total += dot(codes, at, values, c, group) * steps[g]! * scaleOf(at)
      }
      out[r] = total
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
