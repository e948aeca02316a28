import { EngineError } from '../engine-error.ts'
import { messageOf, unavailable } from './device.ts'
import { COPY_DST, COPY_SRC, STORAGE, UNIFORM } from './gpu-flags.ts'

/** Sizes of buffers and bindings are multiples of this. */
const ALIGNMENT = 16

/** Workgroups in each dimension of a grid, on any device. */
export const MAX_WORKGROUPS = 65_535

/** One engine's buffers on a device that others may use too: made under error scopes, freed together. */
export class GpuMemory {
  readonly device: GPUDevice
  /** Bytes that one binding of one buffer may have. */
  readonly maxBytes: number
  readonly #buffers = new Set<GPUBuffer>()

  /** @param maxBytes below the device's own limits, for tests of what large models need */
  constructor(device: GPUDevice, maxBytes = Number.POSITIVE_INFINITY) {
    const { maxBufferSize, maxStorageBufferBindingSize } = device.limits
    this.device = device
    this.maxBytes = Math.min(maxBytes, maxBufferSize, maxStorageBufferBindingSize)
  }

  /** A buffer that shaders use. @throws {EngineError} WEBGPU_UNAVAILABLE beyond the limits */
  storage(label: string, bytes: number): GPUBuffer {
    if (bytes > this.maxBytes) {
      throw unavailable(`${label} needs a buffer of ${bytes} bytes; this device takes ${this.maxBytes}`)
    }
    return this.buffer(label, bytes, STORAGE | COPY_SRC | COPY_DST)
  }

  buffer(label: string, bytes: number, usage: GPUBufferUsageFlags): GPUBuffer {
    const size = Math.max(ALIGNMENT, Math.ceil(bytes / ALIGNMENT) * ALIGNMENT)
    const buffer = this.device.createBuffer({ label, size, usage })
    this.#buffers.add(buffer)
    return buffer
  }

  filled(label: string, data: Uint32Array<ArrayBuffer> | Float32Array<ArrayBuffer>): GPUBuffer {
    const buffer = this.storage(label, data.byteLength)
    this.device.queue.writeBuffer(buffer, 0, data)
    return buffer
  }

  uniform(label: string, words: readonly number[]): GPUBuffer {
    const buffer = this.buffer(label, words.length * 4, UNIFORM | COPY_DST)
    this.device.queue.writeBuffer(buffer, 0, Uint32Array.from(words))
    return buffer
  }

  free(buffer: GPUBuffer): void {
    this.#buffers.delete(buffer)
    buffer.destroy()
  }

  freeAll(): void {
    for (const buffer of this.#buffers) buffer.destroy()
    this.#buffers.clear()
  }

  /**
   * Runs `make`, which creates buffers; what it made is freed again when the device refuses any of it. Nothing is awaited
   * between the error scopes' ends, for they belong to the device and others may use it.
   * @throws {EngineError} OUT_OF_MEMORY, WEBGPU_UNAVAILABLE
   */
  async guarded<T>(what: string, make: () => T): Promise<T> {
    const before = new Set(this.#buffers)
    const { device } = this
    device.pushErrorScope('validation')
    device.pushErrorScope('out-of-memory')
    let outcome: { readonly made: T } | { readonly failure: unknown }
    try {
      outcome = { made: make() }
    } catch (failure) {
      outcome = { failure }
    }
    // A lost device answers nothing here; whoever waits for its work is told.
    const scopes = [device.popErrorScope(), device.popErrorScope()].map((scope) => scope.catch(() => null))
    const [memory, validation] = await Promise.all(scopes)
    if (memory) outcome = { failure: outOfMemory(what, memory) }
    else if (validation && !('failure' in outcome)) {
      outcome = { failure: unavailable(`the device refuses ${what}: ${validation.message}`, validation) }
    }
    if ('made' in outcome) return outcome.made
    for (const buffer of this.#buffers) if (!before.has(buffer)) this.free(buffer)
    throw outcome.failure instanceof RangeError ? outOfMemory(what, outcome.failure) : outcome.failure
  }
}

function outOfMemory(what: string, cause: unknown): EngineError {
  return new EngineError(
    'OUT_OF_MEMORY',
    `not enough memory for ${what}: ${messageOf(cause)}; choose a smaller model or close what else uses the GPU`,
    { cause },
  )
}
