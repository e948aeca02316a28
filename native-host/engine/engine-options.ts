import type { ActivationScales } from '../../shared/engine/architecture.ts'
import type { KvCacheType } from '../../shared/engine/kv-cache-type.ts'
import type { WeightPacking } from './weight-packing.ts'

/**
 * What the native engine multiplies a head of floats as: `int8` rounds every row to 127 steps of its largest weight, which
 * moves outputs less than a Q6_K head does and halves what is read of an F16 one; `file` takes the numbers as they stand.
 */
export const HEAD_PRECISIONS = ['int8', 'file'] as const
export type HeadPrecision = (typeof HEAD_PRECISIONS)[number]

/** What the engine's process loads; plain data, so that it can be sent. */
export interface EngineLoadOptions {
  /** Path of a GGUF file. */
  readonly model: string
  /** `auto` takes the native engine and, where that is not to be had, the reference engine, saying so. */
  readonly kind: 'auto' | 'native' | 'reference'
  /** A native kernel set by name; absent: the fastest that this processor runs. */
  readonly kernel?: string
  /** Threads of the native engine; absent: one per core. */
  readonly threads?: number
  /** Instead of the architecture's usual choice, where a model was trained otherwise. */
  readonly activationScales?: ActivationScales
  /** Of the native engine; absent: `int8`. */
  readonly head?: HeadPrecision
  /** Of the native engine; absent: `2-bit`. */
  readonly packing?: WeightPacking
  /** Absent: f16. */
  readonly kvCache?: KvCacheType
  readonly maxSequences?: number
  readonly maxRows?: number
}

/**
 * Sequences open at once: slots, kept prefixes, and some for drafters. A KV cache takes memory only as it fills; full, one
 * of the embedded target takes 4 MiB (1,024 positions), one of a 2B model at 4,096 positions 300 MiB.
 */
export const DEFAULT_MAX_SEQUENCES = 64

/** Rows of one pass: a prompt's chunk, large enough that weights are read rarely, small enough that a pass ends soon. */
export const DEFAULT_MAX_ROWS = 512
