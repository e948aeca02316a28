import { EngineError } from '../engine-error.ts'
import { halfToNumber } from '../float16.ts'
import type { GgufTensor } from '../gguf.ts'
import { unpackTernary } from '../reference/ternary-blocks.ts'
import { scaledTwice } from '../reference/weights.ts'
import { type DenseType, denseColumns } from './kernels/dense.wgsl.ts'
import type { TableForm } from './kernels/embed.wgsl.ts'

/** A tensor as it lies in the file, with what decides how it is packed. */
export interface SourceTensor {
  readonly tensor: GgufTensor
  readonly form: TableForm
  /** One per row (block 0: all equal) or per block, row-major; null for floats. */
  readonly scales: Float32Array | null
}

/** Rows of one or several tensors in the layouts of ternary.wgsl.ts and dense.wgsl.ts. */
export interface PackedRows {
  readonly weights: Uint32Array<ArrayBuffer>
  readonly scales: Uint32Array<ArrayBuffer>
}

/** Where in its block a ternary type keeps its binary16 scale. */
const SCALE_BYTE: Readonly<Record<string, number>> = { TQ1_0: 52, TQ2_0: 64, Q2_0: 0 }
/** Rows unpacked at once where a type is not copied word by word. */
const CHUNK_ROWS = 64

/** @param factor the tensor's own `.scale`, 1 without. @throws {EngineError} GGUF_INVALID, GGUF_UNSUPPORTED */
export function readSource(tensor: GgufTensor, factor: number): SourceTensor {
  if (!tensor.type.ternary) {
    if (tensor.type.blockWeights > 1) {
      throw new EngineError(
        'GGUF_UNSUPPORTED',
        `tensor ${JSON.stringify(tensor.name)} is ${tensor.type.name}, which the WGSL engine does not run: use the native or the reference engine, or a file with F16 there`,
      )
    }
    checkFinite(tensor)
    return { tensor, form: { type: tensor.type.name as DenseType }, scales: null }
  }
  const scales = readScales(tensor)
  if (!scales.every(Number.isFinite)) throw notFinite(tensor, 'a scale that is')
  if (scales.every((scale) => scale === scales[0])) {
    return { tensor, form: { block: 0 }, scales: new Float32Array(tensor.rows).fill(scales[0]! * factor) }
  }
  if (factor !== 1) throw scaledTwice(tensor.name)
  return { tensor, form: { block: tensor.type.blockWeights }, scales }
}

export const sameForm = (a: TableForm, b: TableForm): boolean => JSON.stringify(a) === JSON.stringify(b)

/** Columns in one vec4 of packed weights. */
export const unitColumns = (form: TableForm): number => ('type' in form ? denseColumns(form.type) : 64)

/** Vec4s of packed weights in a row. */
export const unitsOf = (form: TableForm, columns: number): number => Math.ceil(columns / unitColumns(form))

/**
 * Packs rows `from` … `to` of the tensors, counted as if they stood one below the other (of one form and width); one row of
 * zeros more when they are odd in number, since scales come in pairs.
 */
export function packRows(sources: readonly SourceTensor[], from: number, to: number): PackedRows {
  const { form, tensor } = sources[0]!
  const rows = evenRows(to - from)
  const units = unitsOf(form, tensor.columns)
  const weights = new Uint32Array(units * rows * 4)
  let start = 0
  const scales = 'type' in form ? new Uint32Array(1) : packScales(sources, from, to)
  for (const source of sources) {
    const first = Math.max(from, start)
    const end = Math.min(to, start + source.tensor.rows)
    if (first < end) {
      const target: Target = { weights, rows, units, at: first - from }
      const part = { tensor: source.tensor, first: first - start, end: end - start }
      if ('type' in form) packDense(part, form.type, target)
      else if (source.tensor.type.name === 'Q2_0') packQ2(part, target)
      else packCodes(part, target)
    }
    start += source.tensor.rows
  }
  return { weights, scales }
}

export const evenRows = (rows: number): number => rows + (rows & 1)

interface Part {
  readonly tensor: GgufTensor
  readonly first: number
  readonly end: number
}

interface Target {
  readonly weights: Uint32Array
  readonly rows: number
  readonly units: number
  /** Where the part's first row goes. */
  readonly at: number
}

/** Q2_0's own words are the layout's: 16 columns of 2 bits, lowest first. A block is one unit, or two. */
function packQ2({ tensor, first, end }: Part, { weights, rows, units, at }: Target): void {
  const { data, type } = tensor
  const blockUnits = type.blockWeights / 64
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength)
  for (let r = first; r < end; r++) {
    for (let u = 0; u < units; u++) {
      const unit = r * units + u
      const block = Math.floor(unit / blockUnits) * type.blockBytes + 2 + (unit % blockUnits) * 16
      const out = (u * rows + at + r - first) * 4
      for (let k = 0; k < 4; k++) weights[out + k] = view.getUint32(block + 4 * k, true)
    }
  }
}

function packCodes({ tensor, first, end }: Part, { weights, rows, units, at }: Target): void {
  const { type, columns, data } = tensor
  const rowBytes = (columns / type.blockWeights) * type.blockBytes
  for (let begin = first; begin < end; begin += CHUNK_ROWS) {
    const count = Math.min(CHUNK_ROWS, end - begin)
    // I2_S wants its tail; the scale in it is read elsewhere.
    const bytes = new Uint8Array(count * rowBytes + type.tailBytes)
    bytes.set(data.subarray(begin * rowBytes, (begin + count) * rowBytes))
    const { codes } = unpackTernary({ ...tensor, rows: count, data: bytes })
    for (let r = 0; r < count; r++) {
      for (let word = 0; word < units * 4; word++) {
        let bits = 0
        for (let n = 15, c = r * columns + 16 * word + n; n >= 0; n--, c--)
          bits = (bits << 2) | (codes[c]! + 1)
        weights[((word >> 2) * rows + at + begin - first + r) * 4 + (word & 3)] = bits
      }
    }
  }
}

function packDense(
  { tensor, first, end }: Part,
  type: DenseType,
  { weights, rows, units, at }: Target,
): void {
  const { columns } = tensor
  const bytes = type === 'F32' ? 4 : 2
  // A copy, for the file's bytes may lie at an odd address (and Buffer's own slice is none).
  const raw = new Uint8Array(tensor.data.subarray(first * columns * bytes, end * columns * bytes))
  const values = type === 'F32' ? new Uint32Array(raw.buffer) : new Uint16Array(raw.buffer)
  const perWord = 4 / bytes
  for (let r = 0; r < end - first; r++) {
    for (let c = 0, word = 0; c < columns; word++) {
      let bits = 0
      for (let i = 0; i < perWord && c < columns; i++, c++) bits |= values[r * columns + c]! << (16 * i)
      weights[((word >> 2) * rows + at + r) * 4 + (word & 3)] = bits
    }
  }
  if (units * rows * 4 > weights.length) throw new RangeError('packed weights are too short')
}

/** Block 0: f32 bits per row. Else binary16 [blocks][rows], two rows to a word. */
function packScales(sources: readonly SourceTensor[], from: number, to: number): Uint32Array<ArrayBuffer> {
  const { form, tensor } = sources[0]!
  const rows = evenRows(to - from)
  const block = 'block' in form ? form.block : 0
  const blocks = block === 0 ? 1 : tensor.columns / block
  const all = new Float32Array(blocks * rows)
  let start = 0
  for (const { tensor: source, scales } of sources) {
    for (let r = Math.max(from, start); r < Math.min(to, start + source.rows); r++) {
      for (let b = 0; b < blocks; b++) all[b * rows + r - from] = scales![(r - start) * blocks + b]!
    }
    start += source.rows
  }
  if (block === 0) return new Uint32Array(all.buffer)
  const packed = new Uint32Array(all.length / 2)
  for (let i = 0; i < all.length; i++) packed[i >> 1]! |= halfBits(all[i]!) << (16 * (i & 1))
  return packed
}

function readScales({ type, rows, columns, data }: GgufTensor): Float32Array {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength)
  if (type.name === 'I2_S') return Float32Array.of(view.getFloat32(data.length - type.tailBytes, true))
  const scales = new Float32Array((rows * columns) / type.blockWeights)
  const offset = SCALE_BYTE[type.name]!
  for (let b = 0; b < scales.length; b++) {
    scales[b] = halfToNumber(view.getUint16(b * type.blockBytes + offset, true))
  }
  return scales
}

const bitsOf = new Uint32Array(1)
const floatOf = new Float32Array(bitsOf.buffer)

/** The bits of a number that binary16 holds exactly. */
function halfBits(value: number): number {
  floatOf[0] = value
  const bits = bitsOf[0]!
  const sign = (bits >>> 16) & 0x8000
  const exponent = ((bits >>> 23) & 0xff) - 112
  if (exponent > 0) return sign | (exponent << 10) | ((bits >>> 13) & 0x3ff)
  return sign | (Math.abs(value) * 2 ** 24)
}

function checkFinite(tensor: GgufTensor): void {
  const { data, type } = tensor
  const bytes = type.blockBytes
  const mask = type.name === 'F16' ? 0x7c00 : 0x7f80
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength)
  for (let at = bytes - 2; at < data.length; at += bytes) {
    // The exponent lies in the two most significant bytes.
    if ((view.getUint16(at, true) & mask) === mask) throw notFinite(tensor, 'a value that is')
  }
}

function notFinite(tensor: GgufTensor, what: string): EngineError {
  return new EngineError(
    'GGUF_INVALID',
    `tensor ${JSON.stringify(tensor.name)} has ${what} not a finite number`,
  )
}
