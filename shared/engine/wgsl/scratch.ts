import type { ModelConfig } from '../model-config.ts'
import { type GpuMemory, MAX_WORKGROUPS } from './gpu-memory.ts'
import { CHUNK_POSITIONS, partWords } from './kernels/attention.wgsl.ts'
import { CANDIDATE_WORDS, SLICE_IDS } from './kernels/candidates.wgsl.ts'

/** Rows that products take at once; a pass takes the smallest that holds it, or the largest. */
export const TILES: readonly number[] = [1, 4]
const LARGEST_TILE = TILES.at(-1)!
/** Rows of a pass whose attention is split over workgroups: more keep a GPU busy by themselves. */
const SPLIT_ROWS = 16
const PARTS_BYTES = 32 * 2 ** 20
/** Logits of one chunk of rows. */
const LOGITS_BYTES = 32 * 2 ** 20

export const pad64 = (width: number): number => Math.ceil(width / 64) * 64
export const tileFor = (rows: number): number => TILES.find((tile) => tile >= rows) ?? LARGEST_TILE
const wholeTiles = (rows: number) => Math.ceil(rows / LARGEST_TILE) * LARGEST_TILE

/** Floats in a row of each of a pass's buffers. */
export interface Widths {
  readonly x: number
  readonly qkv: number
  readonly attended: number
  readonly gateUp: number
}

/** Working memory of a pass, letters as in reference/weights.ts; rows up to a whole tile, so that products need no bounds. */
export interface Scratch {
  readonly widths: Widths
  readonly x: GPUBuffer // the residual stream [T][D]
  readonly qkv: GPUBuffer // [T][(H + 2K)·C]
  readonly attended: GPUBuffer // [T][H·C]
  readonly gateUp: GPUBuffer // [T][gate F, up F]
  readonly floats: GPUBuffer // a norm's result for float products
  readonly values: GPUBuffer // and for ternary ones: see kernels/products.wgsl.ts
  readonly sums: GPUBuffer
  readonly steps: GPUBuffer
  readonly logits: GPUBuffer // [chunk][V]
  readonly chunkRows: number
  readonly candidates: GPUBuffer
  /** Candidates of slices of the chunk's rows. */
  readonly slices: GPUBuffer
  /** Attention's results by chunk of positions (see kernels/attention.wgsl.ts), of the rows that there is room for. */
  readonly parts: GPUBuffer
  readonly partChunks: number
  readonly splitRows: number
  readonly passData: GPUBuffer
}

export function widthsOf({ embedding, feedForward, heads, kvHeads, headDim }: ModelConfig): Widths {
  return {
    x: pad64(embedding),
    qkv: (heads + 2 * kvHeads) * headDim,
    attended: pad64(heads * headDim),
    gateUp: 2 * feedForward,
  }
}

/** As many rows as the device's largest binding and a grid take, at most `wanted`. */
export function rowsThatFit(memory: GpuMemory, config: ModelConfig, wanted: number): number {
  const widest = Math.max(...Object.values(widthsOf(config)), pad64(config.feedForward))
  const most = Math.floor(memory.maxBytes / (4 * widest))
  return Math.max(1, Math.min(wanted, MAX_WORKGROUPS, most - (most % LARGEST_TILE)))
}

/** @param valueBytes that a quantised activation takes. @param splits whether attention may be split over workgroups */
export function createScratch(
  memory: GpuMemory,
  config: ModelConfig,
  maxRows: number,
  passDataWords: number,
  valueBytes: number,
  splits: boolean,
): Scratch {
  const widths = widthsOf(config)
  const rows = wholeTiles(maxRows)
  const widest = Math.max(widths.x, widths.attended, pad64(config.feedForward))
  const rowBytes = 4 * config.vocabSize
  const fit = Math.floor(Math.min(LOGITS_BYTES, memory.maxBytes) / rowBytes)
  const chunkRows = Math.min(rows, Math.max(LARGEST_TILE, fit - (fit % LARGEST_TILE)))
  const sliceBytes = 4 * chunkRows * Math.ceil(config.vocabSize / SLICE_IDS) * CANDIDATE_WORDS
  const partChunks = Math.ceil(config.contextLength / CHUNK_POSITIONS)
  const partBytes = 4 * config.heads * partChunks * partWords(config.headDim)
  const fitting = Math.floor(Math.min(PARTS_BYTES, memory.maxBytes) / partBytes)
  const splitRows = splits && partChunks > 1 ? Math.min(SPLIT_ROWS, fitting) : 0
  const floats = (label: string, width: number) => memory.storage(label, 4 * rows * width)
  return {
    widths,
    x: floats('residual stream', widths.x),
    qkv: floats('queries, keys, values', widths.qkv),
    attended: floats('attended', widths.attended),
    gateUp: floats('gate, up', widths.gateUp),
    floats: floats('normed', widest),
    values: memory.storage('quantised', rows * widest * valueBytes),
    sums: memory.storage('sums', (rows * widest) / 16),
    steps: floats('steps', 1),
    logits: memory.storage('logits', chunkRows * rowBytes),
    chunkRows,
    candidates: floats('candidates', CANDIDATE_WORDS),
    slices: memory.storage('candidates of slices', sliceBytes),
    parts: memory.storage('parts of attention', splitRows * partBytes),
    partChunks,
    splitRows,
    passData: memory.storage('pass data', 4 * passDataWords),
  }
}
