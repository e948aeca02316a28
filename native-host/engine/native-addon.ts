import type { ActivationScales } from '../../shared/engine/architecture.ts'
import type { ModelInfo } from '../../shared/engine/engine.ts'
import { EngineError } from '../../shared/engine/engine-error.ts'
import type { KvCacheType } from '../../shared/engine/kv-cache-type.ts'
import type { NoiseKey, SamplingSettings } from '../../shared/verify/settings.ts'
import { assets } from '../packaged/assets.ts'
import { loadAddon } from '../packaged/load-addon.ts'
import type { HeadPrecision } from './engine-options.ts'
import type { WeightPacking } from './weight-packing.ts'

/** What build/native/shard-engine.node exports (native/src/addon). Errors carry an EngineErrorCode as `code`. */
export interface NativeAddon {
  /** Loads a GGUF file, or one in memory, off this thread. */
  load(model: string | Uint8Array, options: NativeLoadOptions): Promise<NativeHandle>
  /** Kernel sets that run on this processor, best first. */
  kernels(): string[]
  threefry2x32(key0: number, key1: number, counter0: number, counter1: number): Uint32Array
  /** What a pass with these logits [drafts + 1 × vocab] emits. */
  verifyLogits(
    logits: Float32Array,
    vocab: number,
    tokens: Int32Array,
    drafts: Int32Array,
    request: NativeSampleRequest,
  ): NativeEmittedToken[]
  /** Exact Σ (code − 1) · value: codes [rows × cols] of 0–3, values [count × cols]; out [count × rows], below 2^24. */
  ternaryProduct(
    kernel: string,
    codes: Uint8Array,
    rows: number,
    values: Int8Array,
    count: number,
    /** Packed in 1.6 bits a weight instead of 2; codes are 0–2 then. */
    baseThree?: boolean,
  ): Int32Array
  /** The same for int8 weights within ±127; sums come out as the nearest float32. */
  int8Product(kernel: string, weights: Int8Array, rows: number, values: Int8Array, count: number): Int32Array
  /** Bytes per second at which so many threads together read memory. */
  readBandwidth(threads: number): Promise<number>
}

export interface NativeLoadOptions {
  /** Empty or absent: the best that runs here. */
  readonly kernel?: string | undefined
  /** 0 or absent: as many as the machine offers. */
  readonly threads?: number | undefined
  readonly maxSequences?: number | undefined
  readonly maxRows?: number | undefined
  /** Absent: the architecture's usual choice. */
  readonly activationScales?: ActivationScales | undefined
  readonly head?: HeadPrecision | undefined
  /** Absent: `2-bit`. */
  readonly packing?: WeightPacking | undefined
  /** Absent: f16. */
  readonly kvCache?: KvCacheType | undefined
}

export interface NativeInfo {
  readonly kernel: string
  readonly threads: number
  readonly model: ModelInfo
  readonly tokenizerHash: string
  readonly maxSequences: number
  readonly maxRows: number
  readonly kvCache: KvCacheType
}

/** A loaded engine. One call at a time: a call during a pass is refused. */
export interface NativeHandle {
  info(): NativeInfo
  createSequence(): number
  releaseSequence(sequence: number): void
  truncate(sequence: number, length: number): void
  copyPrefix(from: number, to: number, length: number): void
  forward(items: readonly NativeForwardItem[]): Promise<Float32Array[]>
  verify(items: readonly NativePassItem[]): Promise<NativeEmittedToken[][]>
  /** Ends the pass that runs, before its next layer. */
  cancel(): void
  unload(): void
}

export interface NativeForwardItem {
  readonly sequence: number
  readonly tokens: Int32Array
  readonly logits: 'none' | 'last' | 'all'
}

export interface NativePassItem {
  readonly sequence: number
  readonly tokens: Int32Array
  readonly drafts: Int32Array
  readonly sample?: NativeSampleRequest | undefined
}

export interface NativeSampleRequest {
  readonly settings: SamplingSettings
  readonly key: NoiseKey
  readonly promptLength: number
  readonly stopTokens: Int32Array
  readonly maxTokens: number
  readonly topLogprobs: number
}

export interface NativeEmittedToken {
  readonly id: number
  readonly logprob: number
  readonly drafted: boolean
  readonly top: readonly { readonly id: number; readonly logprob: number }[]
}

/** Path of the built addon; null when it was not built. @throws {ShardError} CANNOT_UNPACK, in a single executable */
export function findNativeAddon(): string | null {
  return assets.path('build/native/shard-engine.node')
}

/** @throws {EngineError} NATIVE_UNAVAILABLE */
export function loadNativeAddon(find: () => string | null = findNativeAddon): NativeAddon {
  let file: string | null = null
  try {
    file = find()
    if (file !== null) return loadAddon(file) as NativeAddon
  } catch (cause) {
    const what = file === null ? 'the native engine' : `the native engine ${file}`
    throw new EngineError('NATIVE_UNAVAILABLE', `${what} does not load here: ${(cause as Error).message}`, {
      cause,
    })
  }
  throw new EngineError(
    'NATIVE_UNAVAILABLE',
    'the native engine is not built: run `npm run build` with a C++ compiler installed',
  )
}
