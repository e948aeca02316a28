import { TERNARY_LAYOUT } from '../../support/pack-ternary.ts'
import { matrixBytes } from './matrix-chunks.ts'
import { shapeTensors } from './shape-tensors.ts'
import type { Shape } from './shapes.ts'

/**
 * What every pass of ours over one row has to read: each matrix once as the file has it, but a head of floats in int8; the
 * embedding only where it is the head; and the keys and values of the context in f16.
 */
export function passBytes(shape: Shape, context: number): number {
  const matrices = shapeTensors(shape).filter(
    (tensor) => tensor.kind === 'matrix' && (tensor.name !== 'token_embd.weight' || shape.head === null),
  )
  const weights = matrices.reduce((sum, tensor) => {
    if (tensor.kind !== 'matrix') return sum
    const { type, rows, columns } = tensor
    const isRounded = !(type in TERNARY_LAYOUT)
    return sum + (isRounded ? rows * (columns + 4) : matrixBytes(type, rows * columns, columns))
  }, 0)
  return weights + 2 * 2 * shape.layers * shape.kvHeads * shape.headDim * context
}
