import type { EngineInfo, ForwardItem, PassItem, SequenceId } from '../engine.ts'
import type { EngineErrorCode } from '../engine-error.ts'
import { EngineError } from '../engine-error.ts'

/** One call of the Engine interface. */
export type EngineCall =
  | { readonly method: 'createSequence' }
  | { readonly method: 'releaseSequence'; readonly sequence: SequenceId }
  | { readonly method: 'truncate'; readonly sequence: SequenceId; readonly length: number }
  | {
      readonly method: 'copyPrefix'
      readonly from: SequenceId
      readonly to: SequenceId
      readonly length: number
    }
  | { readonly method: 'forward'; readonly items: readonly ForwardItem[] }
  | { readonly method: 'verify'; readonly items: readonly PassItem[] }
  | { readonly method: 'unload' }

/** To the engine, with what its loader takes. `load` comes first and once. */
export type ToEngine<Load = unknown> =
  | { readonly type: 'load'; readonly options: Load }
  | { readonly type: 'call'; readonly id: number; readonly call: EngineCall }
  | { readonly type: 'abort'; readonly id: number }
  | { readonly type: 'ping' }
  | { readonly type: 'stop' }

/** From the engine. `loaded` or `refused` comes first. */
export type FromEngine =
  | { readonly type: 'loaded'; readonly info: EngineInfo; readonly why: string }
  | { readonly type: 'refused'; readonly error: WireError }
  | { readonly type: 'result'; readonly id: number; readonly value: unknown }
  | { readonly type: 'error'; readonly id: number; readonly error: WireError }
  | { readonly type: 'pong' }
  /** While it loads: how far it is. */
  | { readonly type: 'progress'; readonly progress: LoadStep }
  /** The device is gone, and the model with it. */
  | { readonly type: 'lost'; readonly reason: string }

export interface LoadStep {
  readonly step: 'read' | 'compile'
  readonly bytes: number
  readonly totalBytes: number
}

/** An error without its stack: `code` is null for what should not have happened. */
export interface WireError {
  readonly code: EngineErrorCode | null
  readonly message: string
}

export function toWire(error: unknown): WireError {
  if (error instanceof EngineError) return { code: error.code, message: error.message }
  return { code: null, message: error instanceof Error ? (error.stack ?? error.message) : String(error) }
}

export function fromWire({ code, message }: WireError): Error {
  return code === null ? new Error(`in the engine: ${message}`) : new EngineError(code, message)
}
