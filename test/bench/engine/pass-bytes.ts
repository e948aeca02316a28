import { matrixBytes } from './matrix-chunks.ts'
import { shapeTensors } from './shape-tensors.ts'
import type { Shape } from './shapes.ts'

/**
 * What every pass over one row has to read: each matrix once as the file has it, the embedding only where it is the head,
 * and the keys and values of the context in f16.
 */
export function passBytes(shape: Shape, context: number): number {
  const matrices = shapeTensors(shape).filter(
    (tensor) => tensor.kind === 'matrix' && (tensor.name !== 'token_embd.weight' || shape.head === null),
  )
  const weights = matrices.reduce(
    (sum, tensor) =>
      tensor.kind === 'matrix'
        ? sum + matrixBytes(tensor.type, tensor.rows * tensor.columns, tensor.columns)
        : sum,
    0,
  )
  return weights + 2 * 2 * shape.layers * shape.kvHeads * shape.headDim * context
}
