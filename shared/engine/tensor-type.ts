/** Tensor types by their number in a GGUF file, with their block shapes. A row is a whole number of blocks. */
export interface TensorType {
  readonly id: number
  readonly name: 'F32' | 'F16' | 'BF16' | 'TQ1_0' | 'TQ2_0' | 'I2_S' | 'Q2_0'
  readonly blockWeights: number
  readonly blockBytes: number
  /** Bytes after the last block of a tensor. */
  readonly tailBytes: number
  readonly ternary: boolean
}

const type = (
  id: number,
  name: TensorType['name'],
  blockWeights: number,
  blockBytes: number,
  tailBytes = 0,
): TensorType => ({ id, name, blockWeights, blockBytes, tailBytes, ternary: blockWeights > 1 })

/**
 * F32, F16, BF16; TQ1_0, TQ2_0 and Q2_0 of llama.cpp (a scale per block); I2_S of bitnet.cpp in its x86 layout (one scale
 * for the tensor, in 32 bytes after the codes).
 */
export const TENSOR_TYPES: ReadonlyMap<number, TensorType> = new Map(
  [
    type(0, 'F32', 1, 4),
    type(1, 'F16', 1, 2),
    type(30, 'BF16', 1, 2),
    type(34, 'TQ1_0', 256, 54),
    type(35, 'TQ2_0', 256, 66),
    type(36, 'I2_S', 128, 32, 32),
    type(42, 'Q2_0', 64, 18),
  ].map((entry) => [entry.id, entry]),
)
