import { EngineError } from '../engine-error.ts'
import { halfToNumber } from '../float16.ts'
import type { GgufTensor } from '../gguf.ts'
import { dequantise } from './quantised-blocks.ts'

/** A weight matrix [rows × columns] as the graph uses it. */
export interface Matrix {
  readonly rows: number
  readonly columns: number
  /** out [rows] = M · x [columns]. */
  multiply(x: Float32Array, out: Float32Array): void
  /** out [columns] = row `index`, as for an embedding. */
  row(index: number, out: Float32Array): void
}

/** Weights of a type that is not ternary, as floats; activations stay in float. */
export class DenseMatrix implements Matrix {
  readonly rows: number
  readonly columns: number
  readonly #values: Float32Array

  constructor(tensor: GgufTensor) {
    this.rows = tensor.rows
    this.columns = tensor.columns
    this.#values = readFloats(tensor)
  }

  multiply(x: Float32Array, out: Float32Array): void {
    const values = this.#values
    const columns = this.columns
    for (let r = 0, at = 0; r < this.rows; r++, at += columns) {
      let sum0 = 0
      let sum1 = 0
      let c = 0
      for (; c + 2 <= columns; c += 2) {
        sum0 += values[at + c]! * x[c]!
        sum1 += values[at + c + 1]! * x[c + 1]!
      }
      if (c < columns) sum0 += values[at + c]! * x[c]!
      out[r] = sum0 + sum1
    }
  }

  row(index: number, out: Float32Array): void {
    out.set(this.#values.subarray(index * this.columns, (index + 1) * this.columns))
  }
}

/** All values of a tensor that is not ternary, row-major. @throws {EngineError} GGUF_INVALID when one is no finite number */
export function readFloats(tensor: GgufTensor): Float32Array {
  const out = tensor.type.blockWeights > 1 ? dequantise(tensor) : widen(tensor)
  if (!out.every(Number.isFinite)) {
    const name = JSON.stringify(tensor.name)
    throw new EngineError('GGUF_INVALID', `tensor ${name} has a value that is not a finite number`)
  }
  return out
}

/** The values of F32, F16 and BF16. */
function widen(tensor: GgufTensor): Float32Array {
  const { data, type } = tensor
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength)
  const out = new Float32Array(tensor.rows * tensor.columns)
  if (type.name === 'F32') {
    for (let i = 0; i < out.length; i++) out[i] = view.getFloat32(4 * i, true)
  } else if (type.name === 'F16') {
    for (let i = 0; i < out.length; i++) out[i] = halfToNumber(view.getUint16(2 * i, true))
  } else {
    const bits = new Uint32Array(out.buffer)
    for (let i = 0; i < out.length; i++) bits[i] = view.getUint16(2 * i, true) << 16
  }
  return out
}
