import { Q2_0, Q2_0_OF_128, type TensorType } from './tensor-type.ts'

/** A tensor as the directory has it. */
interface Listed {
  readonly type: TensorType
  readonly columns: number
  readonly rows: number
  /** From the start of the data. */
  readonly offset: number
}

/**
 * Q2_0 has meant groups of 128 weights (34 bytes), and means groups of 64 (18 bytes), under one number. A file has one of
 * the two, and its offsets tell which: groups of 128 when a tensor ends too early for groups of 64 and none has room that
 * only groups of 64 explain. The end of the file counts only where no other tensor says anything (all Q2_0 tensors are
 * tiny, or there is one and it comes last), and only to the byte, so that a file cut short is not taken for the other kind.
 */
export function settleQ2Groups<T extends Listed>(
  directory: readonly T[],
  dataBytes: number,
  alignment: number,
): readonly T[] {
  const some = directory.filter(({ type }) => type === Q2_0)
  if (some.length === 0 || some.some(({ columns }) => columns % Q2_0_OF_128.blockWeights !== 0))
    return directory
  const offsets = directory.map(({ offset }) => offset).sort((a, b) => a - b)
  const aligned = (size: number) => Math.ceil(size / alignment) * alignment
  let wide = false
  let narrow = false
  let wideAtEnd = false
  for (const { rows, columns, offset } of some) {
    const sizeOf = (type: TensorType) => ((rows * columns) / type.blockWeights) * type.blockBytes
    const least = sizeOf(Q2_0_OF_128)
    const most = sizeOf(Q2_0)
    const next = firstAbove(offsets, offset)
    const room = (next ?? dataBytes) - offset
    if (room >= most) narrow ||= next !== undefined && aligned(most) !== aligned(least)
    else if (next !== undefined) wide ||= room >= least
    else wideAtEnd ||= room === least || room === aligned(least)
  }
  if (narrow || !(wide || wideAtEnd)) return directory
  return directory.map((entry) => (entry.type === Q2_0 ? { ...entry, type: Q2_0_OF_128 } : entry))
}

/** The first of `rising` above `value`. */
function firstAbove(rising: readonly number[], value: number): number | undefined {
  let [low, high] = [0, rising.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if (rising[middle]! > value) high = middle
    else low = middle + 1
  }
  return rising[low]
}
