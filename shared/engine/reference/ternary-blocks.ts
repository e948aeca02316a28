import { EngineError } from '../engine-error.ts'
import { halfToNumber } from '../float16.ts'
import type { GgufTensor } from '../gguf.ts'

/** A ternary tensor unpacked. */
export interface TernaryWeights {
  /** Weights −1, 0, 1 [rows × columns]. */
  readonly codes: Int8Array
  /** Columns that share a scale; the whole tensor's when there is one scale alone. */
  readonly groupColumns: number
  /** One for the tensor, or [rows × columns / groupColumns]. */
  readonly scales: Float32Array
}

/**
 * Unpacks one block of `block` [blockBytes] to `codes` [blockWeights]. Layouts: llama.cpp's ggml-quants.c for TQ1_0, TQ2_0
 * and Q2_0, bitnet.cpp's ggml-bitnet-mad.cpp (x86) for I2_S. @returns the block's scale; for I2_S, which has none, 1
 */
type Unpack = (block: Uint8Array, codes: Int8Array) => number

const scaleAt = (block: Uint8Array, at: number) => halfToNumber(block[at]! | (block[at + 1]! << 8))

/** 64 bytes of codes, then the scale. Each half of 128 weights takes 32 bytes, lowest bits first. */
const unpackTq2: Unpack = (block, codes) => {
  for (let i = 0; i < 256; i++) {
    const byte = block[(i >> 7) * 32 + (i & 31)]!
    codes[i] = ((byte >> (2 * ((i >> 5) & 3))) & 3) - 1
  }
  return scaleAt(block, 64)
}

const POWERS_OF_3 = [1, 3, 9, 27, 81]
/** Trit `n` of a byte that holds ⌈v · 256 / 243⌉, v a number of five base-3 digits, the most significant first. */
const trit = (byte: number, n: number) => ((((byte * POWERS_OF_3[n]!) & 255) * 3) >> 8) - 1

/** 48 bytes with five trits each, 4 bytes with four, then the scale. */
const unpackTq1: Unpack = (block, codes) => {
  for (let i = 0; i < 160; i++) codes[i] = trit(block[i & 31]!, i >> 5)
  for (let i = 0; i < 80; i++) codes[160 + i] = trit(block[32 + (i & 15)]!, i >> 4)
  for (let i = 0; i < 16; i++) codes[240 + i] = trit(block[48 + (i & 3)]!, i >> 2)
  return scaleAt(block, 52)
}

/** The scale, then bytes of four consecutive weights each, lowest bits first: 16 of them, or 32 in groups of 128. */
const unpackQ2: Unpack = (block, codes) => {
  for (let i = 0; i < codes.length; i++) codes[i] = ((block[2 + (i >> 2)]! >> (2 * (i & 3))) & 3) - 1
  return scaleAt(block, 0)
}

/** 32 bytes; weights p, 32 + p, 64 + p, 96 + p in byte p, highest bits first. */
const unpackI2s: Unpack = (block, codes) => {
  for (let i = 0; i < 128; i++) codes[i] = ((block[i & 31]! >> (6 - 2 * (i >> 5))) & 3) - 1
  return 1
}

const UNPACK: Readonly<Record<string, Unpack>> = {
  TQ1_0: unpackTq1,
  TQ2_0: unpackTq2,
  Q2_0: unpackQ2,
  I2_S: unpackI2s,
}

/** @throws {EngineError} GGUF_INVALID when a scale is no finite number */
export function unpackTernary(tensor: GgufTensor): TernaryWeights {
  const { type, rows, columns, data } = tensor
  const unpack = UNPACK[type.name]!
  const blocks = (rows * columns) / type.blockWeights
  const codes = new Int8Array(rows * columns)
  let scales = new Float32Array(blocks)
  for (let b = 0; b < blocks; b++) {
    const block = data.subarray(b * type.blockBytes, (b + 1) * type.blockBytes)
    scales[b] = unpack(block, codes.subarray(b * type.blockWeights, (b + 1) * type.blockWeights))
  }
  if (type.name === 'I2_S') {
    const tail = new DataView(data.buffer, data.byteOffset + blocks * type.blockBytes, type.tailBytes)
    scales = Float32Array.of(tail.getFloat32(0, true))
  } else if (scales.every((scale) => scale === scales[0])) {
    scales = scales.slice(0, 1)
  }
  if (!scales.every(Number.isFinite)) {
    throw new EngineError(
      'GGUF_INVALID',
      `tensor ${JSON.stringify(tensor.name)} has a scale that is no finite number`,
    )
  }
  return { codes, scales, groupColumns: scales.length === 1 ? columns : type.blockWeights }
}
