import { halfBits } from '../../support/half-bits.ts'
import { packTernary, TERNARY_LAYOUT, type TernaryType } from '../../support/pack-ternary.ts'
import { Random } from '../../support/random.ts'
import { RANDOM_BLOCK, TABLE_LAYOUT, type TableType } from '../../support/random-table.ts'
import { RandomBytes } from './random-bytes.ts'
import type { MatrixType } from './shapes.ts'
import { ENCODE, GROUP_WEIGHTS, toCodes } from './ternary-codes.ts'

/** A matrix to be made up. */
export interface RandomMatrix {
  /** Names the weights: the same label, the same weights, in whatever ternary type. */
  readonly label: string
  readonly weights: number
  readonly type: MatrixType
  readonly deviation: number
  readonly scales: 'tensor' | 'group'
}

/** Weights of a chunk: a multiple of every block, small enough for a processor's cache. */
const CHUNK_WEIGHTS = 1 << 20

const TABLE_BYTES: Readonly<Record<TableType, number>> = {
  ...{ F32: 4, F16: 2, BF16: 2 },
  ...{ Q4_0: RANDOM_BLOCK.Q4_0.bytes, Q8_0: RANDOM_BLOCK.Q8_0.bytes, Q6_K: RANDOM_BLOCK.Q6_K.bytes },
}
const TERNARY_BLOCK_BYTES: Readonly<Record<TernaryType, number>> = {
  ...{ I2_S: 32, TQ1_0: 54, TQ2_0: 66, Q2_0: 18, 'Q2_0 of 128': 34 },
}

const isTernary = (type: MatrixType): type is TernaryType => type in TERNARY_LAYOUT

export const typeId = (type: MatrixType) => (isTernary(type) ? TERNARY_LAYOUT[type] : TABLE_LAYOUT[type]).id

/** @throws {Error} when rows of `columns` weights are no whole blocks */
export function matrixBytes(type: MatrixType, weights: number, columns: number): number {
  const { block } = isTernary(type) ? TERNARY_LAYOUT[type] : TABLE_LAYOUT[type]
  // The generator makes 256 ternary weights at a time.
  const unit = isTernary(type) ? 256 : block
  if (columns % unit !== 0)
    throw new Error(`rows of ${columns} weights in ${type}: multiples of ${unit} are made`)
  if (!isTernary(type)) return (weights / block) * TABLE_BYTES[type]
  return (weights / block) * TERNARY_BLOCK_BYTES[type] + (type === 'I2_S' ? 32 : 0)
}

/** The matrix's bytes as the file has them, a chunk after the other. */
export function matrixChunks(matrix: RandomMatrix): Generator<Uint8Array> {
  const { type } = matrix
  return isTernary(type) ? ternaryChunks(matrix, type) : tableChunks(matrix, type)
}

function* ternaryChunks(matrix: RandomMatrix, type: TernaryType): Generator<Uint8Array> {
  const { label, weights } = matrix
  const random = new RandomBytes(label)
  const scales = new GroupScales(matrix)
  const { block } = TERNARY_LAYOUT[type]
  for (let done = 0; done < weights; done += CHUNK_WEIGHTS) {
    const count = Math.min(CHUNK_WEIGHTS, weights - done)
    const words = random.words(count / 8)
    toCodes(words)
    const codes = new Uint8Array(words.buffer, words.byteOffset, words.byteLength)
    const out = new Uint8Array((count / block) * TERNARY_BLOCK_BYTES[type])
    ENCODE[type](codes, scales.halves(count / GROUP_WEIGHTS), out)
    yield out
  }
  // One scale after all blocks: what packing no weights leaves.
  if (type === 'I2_S') yield packTernary(type, new Int8Array(0), [scales.one])
}

const SCALES = 64

/** Scales that give weights of one deviation, more or less. */
class GroupScales {
  readonly one: number
  readonly #random: RandomBytes
  readonly #halves: Uint16Array

  constructor({ label, deviation, scales }: RandomMatrix) {
    // −1, 0 and 1 alike have a deviation of √(2/3).
    const usual = deviation / Math.sqrt(2 / 3)
    this.#random = new RandomBytes(`${label} scales`)
    this.one = usual * (0.75 + this.#random.bytes(1)[0]! / 512)
    const scale = (i: number) => (scales === 'tensor' ? this.one : usual * (0.75 + (0.5 * i) / SCALES))
    this.#halves = Uint16Array.from({ length: SCALES }, (_, i) => halfBits(scale(i)))
  }

  halves(groups: number): Uint16Array {
    const picks = this.#random.bytes(groups)
    return Uint16Array.from(picks, (pick) => this.#halves[pick % SCALES]!)
  }
}

function* tableChunks({ label, weights, deviation }: RandomMatrix, type: TableType): Generator<Uint8Array> {
  const random = new RandomBytes(label)
  const fill = type in RANDOM_BLOCK ? null : normalTable(type, deviation)
  const { block } = TABLE_LAYOUT[type]
  for (let done = 0; done < weights; done += CHUNK_WEIGHTS) {
    const count = Math.min(CHUNK_WEIGHTS, weights - done)
    if (fill !== null) yield draw(fill, random.words(count))
    else yield randomBlocks(type as keyof typeof RANDOM_BLOCK, count / block, deviation, random)
  }
}

/** As many normal numbers as 16 bits can choose from. */
function normalTable(type: TableType, deviation: number): Uint16Array | Float32Array {
  const random = new Random(1)
  const values = Float32Array.from({ length: 0x10000 }, () => random.normal() * deviation)
  if (type === 'F32') return values
  if (type === 'F16')
    return Uint16Array.from(values, (value) => (Math.abs(value) < 2 ** -14 ? 0 : halfBits(value)))
  return Uint16Array.from(new Uint32Array(values.buffer), (word) => word >>> 16)
}

function draw(table: Uint16Array | Float32Array, words: Uint16Array): Uint8Array {
  const out = table instanceof Float32Array ? new Float32Array(words.length) : words
  for (let i = 0; i < words.length; i++) out[i] = table[words[i]!]!
  return new Uint8Array(out.buffer, out.byteOffset, out.byteLength)
}

function randomBlocks(
  type: keyof typeof RANDOM_BLOCK,
  blocks: number,
  deviation: number,
  random: RandomBytes,
): Uint8Array {
  const { bytes, scaleAt, codeDeviation } = RANDOM_BLOCK[type]
  const half = halfBits(deviation / codeDeviation)
  const out = random.bytes(blocks * bytes)
  for (let at = scaleAt; at < out.length; at += bytes) {
    out[at] = half & 255
    out[at + 1] = half >> 8
  }
  return out
}
