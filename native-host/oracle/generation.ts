import type { Scope } from '../../shared/drafter/draft-worker.ts'
import type { EmittedToken, EngineInfo } from '../../shared/engine/engine.ts'
import type { NoiseKey, SamplingSettings } from '../../shared/verify/settings.ts'

/** One choice to generate. Text never comes here: tokens in, tokens out. */
export interface GenerationRequest {
  readonly prompt: readonly number[]
  readonly settings: SamplingSettings
  readonly key: NoiseKey
  /** ≥ 1; cut to what the context leaves. */
  readonly maxTokens: number
  /** End tokens; an emitted one ends the generation and is the last event's last token. */
  readonly stopTokens: readonly number[]
  readonly topLogprobs: number
  readonly scope: Scope
  /** Called once per emitted token, in order; `true` cuts the run after this token (a stop string): what lies past it is neither emitted nor counted. */
  readonly isStop?: (token: EmittedToken) => boolean
}

/** A verified token, and who drafted it (a worker id), or null when the Oracle made it. */
export interface GeneratedToken extends EmittedToken {
  readonly by: string | null
}

export type FinishReason = 'stop' | 'length'

export type GenerationEvent =
  | { readonly type: 'tokens'; readonly tokens: readonly GeneratedToken[] }
  | { readonly type: 'done'; readonly finish: FinishReason; readonly usage: GenerationUsage }

export interface GenerationUsage {
  readonly promptTokens: number
  /** Prompt tokens found in a kept KV cache. */
  readonly cachedTokens: number
  readonly completionTokens: number
  /** Draft tokens that verification tested and confirmed, by Scouts or local drafters. */
  readonly acceptedDrafts: number
  /** Draft tokens that verification tested and rejected. */
  readonly rejectedDrafts: number
  /** The scope that applied. */
  readonly scope: Scope
}

/** What the API, the CLI and later `/shard/generate` stand on. */
export interface Generator {
  /**
   * Yields as passes end; the last event is `done`. Ending the iteration early, or the signal, frees the slot within one pass.
   * @throws {GenerationError}
   */
  generate(request: GenerationRequest, signal: AbortSignal): AsyncIterable<GenerationEvent>
  status(): OracleStatus
}

export type GenerationErrorCode =
  | 'OVERLOADED' // the queue is full: 503 with Retry-After
  | 'PROMPT_TOO_LONG' // the prompt leaves no room for one token
  | 'ENGINE_FAILED' // the engine could not be restarted
  | 'ABORTED'
  | 'SHUTTING_DOWN'

export class GenerationError extends Error {
  override readonly name = 'GenerationError'
  readonly code: GenerationErrorCode

  constructor(code: GenerationErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}

export interface OracleStatus {
  readonly engine: EngineInfo | null
  /** `unloaded`: no model is loaded, and the next request loads one. */
  readonly engineState: 'starting' | 'ready' | 'restarting' | 'failed' | 'unloaded'
  readonly slots: number
  readonly running: number
  readonly queued: number
  /** 0–1: busy slots and queue against capacity. */
  readonly load: number
  /** Measured pass cost in milliseconds by number of rows, learned so far. */
  readonly passMs: readonly (readonly [rows: number, ms: number])[]
  readonly workers: readonly WorkerStatus[]
}

export interface WorkerStatus {
  readonly id: string
  readonly origin: 'scout' | 'local'
  readonly model: string
  readonly drafted: number
  readonly accepted: number
  readonly since: number
}
