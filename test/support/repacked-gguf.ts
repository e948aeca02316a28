import { type GgufTensor, parseGguf } from '../../shared/engine/gguf.ts'
import { unpackTernary } from '../../shared/engine/reference/ternary-blocks.ts'
import { GgufSurgery } from './gguf-surgery.ts'
import type { TensorData } from './gguf-writer.ts'
import { halfBits } from './half-bits.ts'
import { packTernary, TERNARY_LAYOUT, type TernaryType } from './pack-ternary.ts'

const TYPES: Readonly<Record<string, number>> = { F32: 0, F16: 1 }

/**
 * The same model with its ternary matrices in another type: `F32`, whose products take activations as they are, or a ternary
 * one, whose groups they are rounded by. Of models with one scale a tensor; all other tensors in F32 or F16.
 */
export function repacked(model: Uint8Array, type: 'F32' | TernaryType): Uint8Array<ArrayBuffer> {
  const tensors = [...parseGguf(model).tensors.values()].map((tensor) =>
    tensor.type.ternary ? packed(tensor, type) : asItIs(tensor),
  )
  return new GgufSurgery(model).withTensors(tensors)
}

function asItIs({ name, type, rows, columns, data }: GgufTensor): TensorData {
  const id = TYPES[type.name]
  if (id === undefined) throw new Error(`${name} is ${type.name}: F32, F16 or ternary are copied`)
  return { name, shape: rows === 1 ? [columns] : [columns, rows], type: id, bytes: data }
}

function packed(tensor: GgufTensor, type: 'F32' | TernaryType): TensorData {
  const { name, rows, columns } = tensor
  const { codes, scales } = unpackTernary(tensor)
  const [scale] = scales
  if (scales.length !== 1) throw new Error(`${name} has ${scales.length} scales: one is packed`)
  const shape = [columns, rows]
  if (type === 'F32') {
    const values = Float32Array.from(codes, (code) => code * scale!)
    return { name, shape, type: TYPES.F32!, bytes: new Uint8Array(values.buffer) }
  }
  const { id, block } = TERNARY_LAYOUT[type]
  const halves = new Array<number>(codes.length / block).fill(halfBits(scale!))
  return { name, shape, type: id, bytes: packTernary(type, codes, type === 'I2_S' ? [scale!] : halves) }
}
