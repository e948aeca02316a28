import { EngineError } from '../engine-error.ts'
import type { ModelConfig } from '../model-config.ts'
import { makeOrderly } from '../reference/graph.ts'
import { type Picked, readCandidates } from './candidates.ts'
import { messageOf } from './device.ts'
import { COPY_DST, MAP_READ, MODE_READ } from './gpu-flags.ts'
import type { GpuMemory } from './gpu-memory.ts'
import type { GpuGraph } from './graph.ts'
import { CANDIDATE_WORDS } from './kernels/candidates.wgsl.ts'
import { type PassRow, writePassData } from './pass-data.ts'
import type { Scratch } from './scratch.ts'

/** A row whose logits are wanted: all of them, or the candidates alone. */
export interface Pick {
  /** Index among the pass's rows. */
  readonly row: number
  readonly whole: boolean
}

/** Runs passes: one upload, a few submissions, one wait for what comes back. */
export class PassRunner {
  readonly #memory: GpuMemory
  readonly #graph: GpuGraph
  readonly #scratch: Scratch
  readonly #config: ModelConfig
  /** Buffers that the processor can read, by chunk; the last is for candidates. Kept while they are large enough. */
  readonly #staging = new Map<number, GPUBuffer>()

  constructor(memory: GpuMemory, graph: GpuGraph, scratch: Scratch, config: ModelConfig) {
    this.#memory = memory
    this.#graph = graph
    this.#scratch = scratch
    this.#config = config
  }

  /** @returns what was picked, in that order. @throws {EngineError} OUT_OF_MEMORY; whatever a lost device gives */
  async run(rows: readonly PassRow[], picks: readonly Pick[]): Promise<Picked[]> {
    const { device } = this.#memory
    const data = writePassData(
      rows,
      picks.map(({ row }) => row),
      this.#config,
    )
    device.queue.writeBuffer(this.#scratch.passData, 0, data)
    const found = await this.#submit(picks, rows)
    const candidates = picks.map(({ whole }, i) => (whole ? null : readCandidates(found.candidates, i)))
    const undecided = picks.map(({ whole }, i) => !whole && candidates[i] === null)
    // Rare: equal logits at the edge, or logits that are no numbers. The rows are still there.
    const again = undecided.includes(true)
      ? await this.#submit(
          picks.map(({ row }, i) => ({ row, whole: undecided[i]! })),
          [],
        )
      : found
    return picks.map((_, i) => {
      const row = candidates[i]
      return row ? { candidates: row } : { logits: (undecided[i] ? again : found).logits.get(i)! }
    })
  }

  /** @param rows to compute first; none to look again at the rows of the pass before */
  async #submit(picks: readonly Pick[], rows: readonly PassRow[]): Promise<Found> {
    const { device } = this.#memory
    const chunks = await this.#prepare(picks)
    const selected = picks.some(({ whole }) => !whole) ? picks.length * CANDIDATE_WORDS * 4 : 0
    const staging = selected > 0 ? await this.#stagingOf(CANDIDATES, selected) : null

    device.pushErrorScope('validation')
    device.pushErrorScope('out-of-memory')
    if (rows.length > 0) this.#submitBody(rows)
    const encoder = device.createCommandEncoder({ label: 'pass' })
    for (const chunk of chunks) this.#encodeChunk(encoder, chunk)
    if (staging) encoder.copyBufferToBuffer(this.#scratch.candidates, 0, staging, 0, selected)
    device.queue.submit([encoder.finish()])
    const errors = Promise.all([device.popErrorScope(), device.popErrorScope()])
    // When the device goes, the mapping below says so first, and nobody asks for these.
    errors.catch(() => {})
    const reads = chunks.flatMap(({ staging, bytes }) => (staging ? [{ staging, bytes }] : []))
    if (staging) reads.push({ staging, bytes: selected })
    await Promise.all(
      reads.length === 0
        ? [device.queue.onSubmittedWorkDone()]
        : reads.map((read) => read.staging.mapAsync(MODE_READ, 0, read.bytes)),
    )
    const error = (await errors).find((scope) => scope !== null)
    if (error)
      throw new EngineError('OUT_OF_MEMORY', `the device refuses a pass: ${messageOf(error)}`, {
        cause: error,
      })

    const logits = new Map<number, Float32Array>()
    for (const chunk of chunks) this.#takeLogits(chunk, logits)
    return { logits, candidates: staging ? new Uint32Array(take(staging, selected)) : new Uint32Array(0) }
  }

  /** In several submissions, so that the GPU need not wait for all to be encoded. */
  #submitBody(rows: readonly PassRow[]): void {
    const { device } = this.#memory
    const positions = rows.reduce((most, { position }) => Math.max(most, position + 1), 0)
    for (let i = 0; i < this.#graph.submissions; i++) {
      const encoder = device.createCommandEncoder({ label: 'pass' })
      const pass = encoder.beginComputePass({ label: 'body' })
      this.#graph.encodeBody(pass, i, rows.length, positions)
      pass.end()
      device.queue.submit([encoder.finish()])
    }
  }

  /** Picks in chunks, each with a buffer for what comes back whole. */
  async #prepare(picks: readonly Pick[]): Promise<Chunk[]> {
    const { chunkRows } = this.#scratch
    const chunks: Chunk[] = []
    for (let first = 0; first < picks.length; first += chunkRows) {
      const part = picks.slice(first, first + chunkRows)
      const wholes = [...part.keys()].filter((i) => part[i]!.whole)
      const bytes = wholes.length * 4 * this.#config.vocabSize
      const index = chunks.length
      const staging = bytes > 0 ? await this.#stagingOf(index, bytes) : null
      chunks.push({
        index,
        rows: part.length,
        select: wholes.length < part.length,
        first,
        wholes,
        staging,
        bytes,
      })
    }
    return chunks
  }

  #encodeChunk(encoder: GPUCommandEncoder, { index, rows, select, wholes, staging }: Chunk): void {
    const rowBytes = 4 * this.#config.vocabSize
    const pass = encoder.beginComputePass({ label: 'head' })
    this.#graph.encodeHead(pass, index, rows, select)
    pass.end()
    if (staging === null) return
    for (const [slot, i] of wholes.entries()) {
      encoder.copyBufferToBuffer(this.#scratch.logits, i * rowBytes, staging, slot * rowBytes, rowBytes)
    }
  }

  #takeLogits({ index, first, wholes, staging, bytes }: Chunk, logits: Map<number, Float32Array>): void {
    if (staging === null) return
    const { vocabSize } = this.#config
    const copy = take(staging, bytes)
    for (const [slot, i] of wholes.entries()) {
      const row = new Float32Array(copy, slot * 4 * vocabSize, vocabSize)
      makeOrderly(row)
      logits.set(first + i, row)
    }
    // More than a chunk is rare: a test that looks at every row.
    if (index > 0) this.#drop(index)
  }

  async #stagingOf(key: number, bytes: number): Promise<GPUBuffer> {
    const held = this.#staging.get(key)
    if (held && held.size >= bytes) return held
    if (held) this.#drop(key)
    const buffer = await this.#memory.guarded('a buffer for logits', () =>
      this.#memory.buffer('staging', bytes, MAP_READ | COPY_DST),
    )
    this.#staging.set(key, buffer)
    return buffer
  }

  #drop(key: number): void {
    this.#memory.free(this.#staging.get(key)!)
    this.#staging.delete(key)
  }
}

/** The candidates' place among the staging buffers, which are numbered by chunk. */
const CANDIDATES = -1

/** Picked rows whose logits fit the scratch at once. */
interface Chunk {
  readonly index: number
  readonly rows: number
  readonly select: boolean
  /** Index of its first pick. */
  readonly first: number
  /** Which of its rows come back whole. */
  readonly wholes: readonly number[]
  readonly staging: GPUBuffer | null
  readonly bytes: number
}

interface Found {
  /** By pick. */
  readonly logits: ReadonlyMap<number, Float32Array>
  readonly candidates: Uint32Array
}

function take(staging: GPUBuffer, bytes: number): ArrayBuffer {
  const copy = staging.getMappedRange(0, bytes).slice(0)
  staging.unmap()
  return copy
}
