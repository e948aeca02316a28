import type { ModelConfig } from '../model-config.ts'

/** One token to compute. */
export interface PassRow {
  readonly token: number
  readonly position: number
  /** The KV blocks of its sequence, by position / 64. */
  readonly blocks: readonly number[]
}

const HEADER_WORDS = 4
const ROW_WORDS = 4

/** u32 words that a pass may need at most. */
export function passWords(maxRows: number, headDim: number, maxSequences: number, maxBlocks: number): number {
  return HEADER_WORDS + maxRows * (ROW_WORDS + headDim + 1) + Math.min(maxRows, maxSequences) * maxBlocks
}

/** The buffer that kernels/pass-data.wgsl.ts describes. @param picks indices of rows whose logits are wanted */
export function writePassData(
  rows: readonly PassRow[],
  picks: readonly number[],
  { headDim, rope }: Pick<ModelConfig, 'headDim' | 'rope'>,
): Uint32Array<ArrayBuffer> {
  const rotationsAt = HEADER_WORDS + ROW_WORDS * rows.length
  const tablesAt = rotationsAt + rows.length * headDim
  const tables = new Map<readonly number[], number>()
  let picksAt = tablesAt
  for (const { blocks } of rows) {
    if (tables.has(blocks)) continue
    tables.set(blocks, picksAt)
    picksAt += blocks.length
  }
  const words = new Uint32Array(picksAt + picks.length)
  const floats = new Float32Array(words.buffer)
  words.set([rotationsAt, picksAt])
  const half = headDim / 2
  const frequencies = Float64Array.from({ length: half }, (_, i) => rope.base ** ((-2 * i) / headDim))
  for (const [t, { token, position, blocks }] of rows.entries()) {
    words.set([token, position, tables.get(blocks)!, 0], HEADER_WORDS + ROW_WORDS * t)
    for (let i = 0, at = rotationsAt + t * headDim; i < half; i++, at++) {
      const angle = (position / rope.scale) * frequencies[i]!
      floats[at] = Math.cos(angle)
      floats[at + half] = Math.sin(angle)
    }
  }
  for (const [blocks, at] of tables) words.set(blocks, at)
  words.set(picks, picksAt)
  return words
}
