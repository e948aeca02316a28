import type { ActivationScales } from '../../shared/engine/architecture.ts'
import { checkForward, checkPrefix, checkVerify } from '../../shared/engine/batch-check.ts'
import type {
  Engine,
  EngineInfo,
  EngineOptions,
  ForwardItem,
  PassItem,
  PassResult,
  SampleRequest,
  SequenceId,
} from '../../shared/engine/engine.ts'
import { EngineError, type EngineErrorCode } from '../../shared/engine/engine-error.ts'
import type { KvCacheType } from '../../shared/engine/kv-cache-type.ts'
import { SerialQueue } from '../../shared/engine/serial-queue.ts'
import type { HeadPrecision } from './engine-options.ts'
import {
  loadNativeAddon,
  type NativeAddon,
  type NativeHandle,
  type NativePassItem,
  type NativeSampleRequest,
} from './native-addon.ts'
import type { WeightPacking } from './weight-packing.ts'

export interface NativeEngineOptions {
  /** `amx`, `avx512vnni`, `avxvnni`, `avx2`, `neon` or `portable`; absent: the best that runs here. */
  readonly kernel?: string
  /** Absent: as many as the machine offers. */
  readonly threads?: number
  /** Sequences open at once, 1 or more. */
  readonly maxSequences?: number
  /** Rows in one pass, 1–65536. */
  readonly maxRows?: number
  /** Absent: the architecture's usual choice. */
  readonly activationScales?: ActivationScales
  /** Absent: `int8`. */
  readonly head?: HeadPrecision
  /** Absent: `2-bit`. */
  readonly packing?: WeightPacking
  /** Absent: f16. */
  readonly kvCache?: KvCacheType
  readonly addon?: NativeAddon
}

/** Enough for a few conversations, their kept prefixes and drafts; a KV cache takes memory only as it fills. */
const DEFAULT_MAX_SEQUENCES = 64
/** A prompt's chunk: large enough that weights are read rarely, small enough that a pass ends soon. */
const DEFAULT_MAX_ROWS = 512

/**
 * Loads a GGUF file (or its bytes) into the C++ engine.
 * @throws {EngineError} GGUF_TRUNCATED, GGUF_INVALID, GGUF_UNSUPPORTED, MODEL_NOT_FOUND, OUT_OF_MEMORY, NATIVE_UNAVAILABLE
 */
export async function loadNativeEngine(
  model: string | Uint8Array,
  options: NativeEngineOptions = {},
): Promise<Engine> {
  const addon = options.addon ?? loadNativeAddon()
  const handle = await translated(() =>
    addon.load(model, {
      kernel: options.kernel,
      threads: options.threads,
      maxSequences: options.maxSequences ?? DEFAULT_MAX_SEQUENCES,
      maxRows: options.maxRows ?? DEFAULT_MAX_ROWS,
      activationScales: options.activationScales,
      head: options.head,
      packing: options.packing,
      kvCache: options.kvCache,
    }),
  )
  return new NativeEngine(handle)
}

/** The C++ engine behind the interface: checks and orders the calls, follows the lengths, carries aborts over. */
class NativeEngine implements Engine {
  readonly info: EngineInfo
  #handle: NativeHandle | null
  readonly #queue = new SerialQueue()
  /** Tokens in each open sequence. */
  readonly #lengths = new Map<SequenceId, number>()

  constructor(handle: NativeHandle) {
    this.#handle = handle
    this.info = { kind: 'native', ...handle.info() }
  }

  createSequence(): Promise<SequenceId> {
    return this.#run((handle) => {
      const id = handle.createSequence()
      this.#lengths.set(id, 0)
      return id
    })
  }

  releaseSequence(sequence: SequenceId): Promise<void> {
    return this.#run((handle) => {
      this.#length(sequence)
      handle.releaseSequence(sequence)
      this.#lengths.delete(sequence)
    })
  }

  truncate(sequence: SequenceId, length: number): Promise<void> {
    return this.#run((handle) => {
      checkPrefix(length, this.#length(sequence))
      handle.truncate(sequence, length)
      this.#lengths.set(sequence, length)
    })
  }

  copyPrefix(from: SequenceId, to: SequenceId, length: number): Promise<void> {
    return this.#run((handle) => {
      checkPrefix(length, this.#length(from))
      this.#length(to)
      handle.copyPrefix(from, to, length)
      this.#lengths.set(to, length)
    })
  }

  forward(items: readonly ForwardItem[], options: EngineOptions = {}): Promise<Float32Array[]> {
    return this.#pass(options, async (handle) => {
      checkForward(items, this.info, (id) => this.#length(id))
      const logits = await handle.forward(
        items.map((item) => ({ ...item, tokens: Int32Array.from(item.tokens) })),
      )
      for (const { sequence, tokens } of items) this.#grow(sequence, tokens.length)
      return logits
    })
  }

  verify(items: readonly PassItem[], options: EngineOptions = {}): Promise<PassResult[]> {
    return this.#pass(options, async (handle) => {
      checkVerify(items, this.info, (id) => this.#length(id))
      const results = await handle.verify(items.map(toNativeItem))
      return results.map((emitted, i) => {
        const { sequence, tokens } = items[i]!
        this.#grow(sequence, tokens.length + Math.max(emitted.length - 1, 0))
        return { emitted }
      })
    })
  }

  unload(): Promise<void> {
    return this.#run((handle) => {
      handle.unload()
      this.#handle = null
      this.#lengths.clear()
    })
  }

  #run<T>(task: (handle: NativeHandle) => T | Promise<T>, signal?: AbortSignal): Promise<T> {
    return this.#queue.run(() => {
      const handle = this.#handle
      if (handle === null) throw new EngineError('UNLOADED', 'the engine was unloaded')
      return translated(async () => task(handle))
    }, signal)
  }

  #pass<T>({ signal }: EngineOptions, task: (handle: NativeHandle) => Promise<T>): Promise<T> {
    return this.#run(async (handle) => {
      const cancel = () => handle.cancel()
      signal?.addEventListener('abort', cancel, { once: true })
      try {
        return await task(handle)
      } finally {
        signal?.removeEventListener('abort', cancel)
      }
    }, signal)
  }

  #length(sequence: SequenceId): number {
    const length = this.#lengths.get(sequence)
    if (length === undefined) throw new EngineError('SEQUENCE_UNKNOWN', `there is no sequence ${sequence}`)
    return length
  }

  #grow(sequence: SequenceId, by: number): void {
    this.#lengths.set(sequence, this.#length(sequence) + by)
  }
}

function toNativeItem({ sequence, tokens, drafts, sample }: PassItem): NativePassItem {
  return {
    sequence,
    tokens: Int32Array.from(tokens),
    drafts: Int32Array.from(drafts),
    sample: sample && toNativeRequest(sample),
  }
}

/** The addon's form of a request: no generation counts past 2^31 tokens. */
export function toNativeRequest(sample: SampleRequest): NativeSampleRequest {
  return {
    ...sample,
    stopTokens: Int32Array.from(sample.stopTokens),
    maxTokens: Math.min(sample.maxTokens, 0x7fff_ffff),
  }
}

/** The addon's errors carry the codes of EngineError already. */
async function translated<T>(call: () => Promise<T>): Promise<T> {
  try {
    return await call()
  } catch (error) {
    if (error instanceof EngineError || !(error instanceof Error) || !('code' in error)) throw error
    throw new EngineError(error.code as EngineErrorCode, error.message)
  }
}
