import { EngineError } from '../engine-error.ts'
import type { GpuMemory } from './gpu-memory.ts'
import { BLOCK_POSITIONS, blockWords, type HeadShape } from './kernels/attention.wgsl.ts'

/** Blocks at first; doubled when they are used up. */
const FIRST_BLOCKS = 8
/** Copied at once. */
const COPIED_BLOCKS = 64

/**
 * The KV cache of all sequences: per layer one buffer of blocks of 64 positions (see kernels/attention.wgsl.ts), handed out as
 * sequences grow. A block has the same number in every layer.
 */
export class KvPool {
  readonly #memory: GpuMemory
  readonly #blockBytes: number
  readonly #maxBlocks: number
  /** One per layer; others after `reserve` has grown them. */
  layers: readonly GPUBuffer[] = []
  readonly #free: number[] = []
  #capacity = 0

  /** @param maxBlocks that all sequences could ever use */
  constructor(memory: GpuMemory, shape: HeadShape, maxBlocks: number) {
    this.#memory = memory
    this.#blockBytes = blockWords(shape) * 4
    this.#maxBlocks = Math.min(maxBlocks, Math.floor(memory.maxBytes / this.#blockBytes))
  }

  /** Creates the first blocks. */
  open(layers: number): void {
    this.#addCapacity(Math.min(FIRST_BLOCKS, this.#maxBlocks))
    this.layers = Array.from({ length: layers }, (_, layer) => this.#buffer(layer, this.#capacity))
  }

  /**
   * Makes every list long enough for its positions. Nothing is taken when that fails.
   * @returns true when the buffers are others than before. @throws {EngineError} OUT_OF_MEMORY
   */
  async reserve(
    wanted: readonly { readonly blocks: number[]; readonly positions: number }[],
  ): Promise<boolean> {
    const missing = wanted.map(({ blocks, positions }) =>
      Math.max(0, Math.ceil(positions / BLOCK_POSITIONS) - blocks.length),
    )
    const short = missing.reduce((a, b) => a + b, 0) - this.#free.length
    if (short > 0) await this.#grow(this.#capacity + short)
    for (const [i, { blocks }] of wanted.entries()) {
      for (let n = 0; n < missing[i]!; n++) blocks.push(this.#free.pop()!)
    }
    return short > 0
  }

  /** Gives back what lies past the first `positions`. */
  trim(blocks: number[], positions: number): void {
    this.#free.push(...blocks.splice(Math.ceil(positions / BLOCK_POSITIONS)))
  }

  /** Copies whole blocks, over a buffer in between: a buffer cannot be copied into itself. @throws {EngineError} OUT_OF_MEMORY */
  async copy(from: readonly number[], to: readonly number[]): Promise<void> {
    if (to.length === 0) return
    const { device } = this.#memory
    const bytes = this.#blockBytes
    const most = Math.max(1, Math.min(to.length, COPIED_BLOCKS, Math.floor(this.#memory.maxBytes / bytes)))
    const between = await this.#memory.guarded('a copy of a KV cache', () =>
      this.#memory.storage('KV blocks on their way', bytes * most),
    )
    const encoder = device.createCommandEncoder({ label: 'copy KV blocks' })
    for (const buffer of this.layers) {
      for (let first = 0; first < to.length; first += most) {
        const count = Math.min(most, to.length - first)
        for (let i = 0; i < count; i++) {
          encoder.copyBufferToBuffer(buffer, from[first + i]! * bytes, between, i * bytes, bytes)
        }
        for (let i = 0; i < count; i++) {
          encoder.copyBufferToBuffer(between, i * bytes, buffer, to[first + i]! * bytes, bytes)
        }
      }
    }
    device.queue.submit([encoder.finish()])
    this.#memory.free(between)
  }

  async #grow(least: number): Promise<void> {
    if (least > this.#maxBlocks) {
      throw new EngineError(
        'OUT_OF_MEMORY',
        `the KV cache would need ${least * BLOCK_POSITIONS} positions; a buffer of ${this.#memory.maxBytes} bytes holds ${this.#maxBlocks * BLOCK_POSITIONS}: release or shorten sequences`,
      )
    }
    const capacity = Math.min(this.#maxBlocks, Math.max(least, 2 * this.#capacity))
    const grown = await this.#memory.guarded(`${capacity * BLOCK_POSITIONS} positions of KV cache`, () =>
      this.layers.map((_, layer) => this.#buffer(layer, capacity)),
    )
    const { device } = this.#memory
    const encoder = device.createCommandEncoder({ label: 'grow KV cache' })
    for (const [layer, buffer] of this.layers.entries()) {
      encoder.copyBufferToBuffer(buffer, 0, grown[layer]!, 0, this.#capacity * this.#blockBytes)
    }
    device.queue.submit([encoder.finish()])
    for (const buffer of this.layers) this.#memory.free(buffer)
    this.layers = grown
    this.#addCapacity(capacity)
  }

  #addCapacity(capacity: number): void {
    for (let block = this.#capacity; block < capacity; block++) this.#free.push(block)
    this.#capacity = capacity
  }

  #buffer(layer: number, blocks: number): GPUBuffer {
    return this.#memory.storage(`KV cache of layer ${layer}`, blocks * this.#blockBytes)
  }
}
