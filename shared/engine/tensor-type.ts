/** Tensor types by their number in a GGUF file, with their block shapes. A row is a whole number of blocks. */
export interface TensorType {
  readonly id: number
  readonly name: 'F32' | 'F16' | 'Q4_0' | 'Q8_0' | 'Q6_K' | 'BF16' | 'TQ1_0' | 'TQ2_0' | 'I2_S' | 'Q2_0'
  readonly blockWeights: number
  readonly blockBytes: number
  /** Bytes after the last block of a tensor. */
  readonly tailBytes: number
  readonly ternary: boolean
}

const floats = (
  id: number,
  name: TensorType['name'],
  blockWeights: number,
  blockBytes: number,
): TensorType => ({ id, name, blockWeights, blockBytes, tailBytes: 0, ternary: false })

const ternary = (
  id: number,
  name: TensorType['name'],
  blockWeights: number,
  blockBytes: number,
  tailBytes = 0,
): TensorType => ({ id, name, blockWeights, blockBytes, tailBytes, ternary: true })

/** Q2_0 as it first was, under the same number: which of the two a file means, its sizes tell (q2-groups.ts). */
export const Q2_0_OF_128: TensorType = ternary(42, 'Q2_0', 128, 34)
export const Q2_0: TensorType = ternary(42, 'Q2_0', 64, 18)

/**
 * F32, F16, BF16; Q4_0, Q8_0 and Q6_K of llama.cpp, for embeddings and heads; TQ1_0, TQ2_0 and Q2_0 of llama.cpp (a scale
 * per block); I2_S of bitnet.cpp in its x86 layout (one scale for the tensor, in 32 bytes after the codes).
 */
export const TENSOR_TYPES: ReadonlyMap<number, TensorType> = new Map(
  [
    floats(0, 'F32', 1, 4),
    floats(1, 'F16', 1, 2),
    floats(2, 'Q4_0', 32, 18),
    floats(8, 'Q8_0', 32, 34),
    floats(14, 'Q6_K', 256, 210),
    floats(30, 'BF16', 1, 2),
    ternary(34, 'TQ1_0', 256, 54),
    ternary(35, 'TQ2_0', 256, 66),
    ternary(36, 'I2_S', 128, 32, 32),
    Q2_0,
  ].map((entry) => [entry.id, entry]),
)
