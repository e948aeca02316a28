import type { NoiseKey, SamplingSettings } from '../verify/settings.ts'
import type { KvCacheType } from './kv-cache-type.ts'

/** Names one KV-cache sequence of one engine. Never reused within an engine's life. */
export type SequenceId = number

/** What was loaded and what runs it; shown in `/health` and the logs, so that a wrong engine is seen. */
export interface EngineInfo {
  readonly kind: 'reference' | 'native' | 'wgsl'
  /** The kernel set chosen at run time: `amx`, `avx512vnni`, `avxvnni`, `avx2`, `neon`, `portable`, `typescript`, … */
  readonly kernel: string
  readonly threads: number
  readonly model: ModelInfo
  /** SHA-256 (hex) over (id, bytes) of all tokens that are neither special nor padding. */
  readonly tokenizerHash: string
  /** Sequences that may be open at once; `createSequence` beyond it throws `SEQUENCE_LIMIT`. */
  readonly maxSequences: number
  /** Most rows (known + draft tokens of all items) in one pass. */
  readonly maxRows: number
  readonly kvCache: KvCacheType
}

export interface ModelInfo {
  readonly name: string
  readonly architecture: string
  readonly layers: number
  readonly embedding: number
  readonly feedForward: number
  readonly heads: number
  readonly kvHeads: number
  readonly headDim: number
  readonly vocabSize: number
  readonly contextLength: number
  /** All weights, embedding included. */
  readonly parameters: number
  /** Token ids that end a generation (end of text, end of turn). */
  readonly endTokens: readonly number[]
}

/** Rows for one sequence whose logits the caller wants to see. Tokens are appended to the sequence's KV cache. */
export interface ForwardItem {
  readonly sequence: SequenceId
  /** 1 or more token ids, at positions `length … length + tokens.length - 1`. */
  readonly tokens: readonly number[]
  /** Which rows' logits to return. */
  readonly logits: 'none' | 'last' | 'all'
  /** Reserved for draft trees: row i's parent row, −1 for the sequence's last token. Engines refuse it for now. */
  readonly parents?: readonly number[]
}

/** One sequence's share of a verifying pass. */
export interface PassItem {
  readonly sequence: SequenceId
  /** Tokens known to be true, appended for good; at least one. The last is the base row: its logits decide the first new token. */
  readonly tokens: readonly number[]
  /** Drafted tokens that follow `tokens` on one path; empty when nothing was drafted. */
  readonly drafts: readonly number[]
  /** Absent: prefill only (`drafts` must be empty, nothing is emitted). */
  readonly sample?: SampleRequest
  /** Reserved for draft trees: draft i's parent draft, −1 for the base row. Engines refuse it for now. */
  readonly parents?: readonly number[]
}

export interface SampleRequest {
  readonly settings: SamplingSettings
  /** The choice's noise key (see verify/noise.ts). */
  readonly key: NoiseKey
  /** Tokens of the sequence that belong to the prompt; the generated index `t` of the token at position p is `p − promptLength`. */
  readonly promptLength: number
  /** The walk ends after emitting one of these. */
  readonly stopTokens: readonly number[]
  /** The walk ends after emitting this many, ≥ 1. */
  readonly maxTokens: number
  /** Alternatives to return per token, 0–20. */
  readonly topLogprobs: number
}

export interface TokenLogprob {
  readonly id: number
  /** Natural log of the probability from the raw logits at temperature 1. */
  readonly logprob: number
}

export interface EmittedToken extends TokenLogprob {
  readonly top: readonly TokenLogprob[]
  /** True when this token was a draft that verification confirmed; the pass's last token never is unless it stopped the walk. */
  readonly drafted: boolean
}

export interface PassResult {
  /**
   * Accepted drafts and then the correction (or the extra token when every draft was accepted); empty for prefill items.
   * Afterwards the KV cache holds everything before the last emitted token: that token is the next pass's base row.
   */
  readonly emitted: readonly EmittedToken[]
}

export interface EngineOptions {
  readonly signal?: AbortSignal
}

/**
 * A loaded model with a KV cache of several sequences. Calls are queued and run one at a time, in order.
 * After an error or an abort an item's sequence is either as it was before the call or (native crash) gone with the engine.
 *
 * Invariant: within one engine a row's logits depend on its sequence's tokens alone, bit for bit: not on the batch,
 * the number of threads, how the KV cache was filled, or what was rolled back.
 *
 * @throws {EngineError} for everything that goes wrong
 */
export interface Engine {
  readonly info: EngineInfo
  createSequence(): Promise<SequenceId>
  /** Frees a sequence's KV cache. */
  releaseSequence(sequence: SequenceId): Promise<void>
  /** Rolls a sequence back to its first `length` tokens (0 … its length). */
  truncate(sequence: SequenceId, length: number): Promise<void>
  /** Makes `to` hold the first `length` tokens of `from`, KV cache included. */
  copyPrefix(from: SequenceId, to: SequenceId, length: number): Promise<void>
  /** Logits per item: float32 [rows asked × vocabSize], row-major. */
  forward(items: readonly ForwardItem[], options?: EngineOptions): Promise<Float32Array[]>
  /** One pass over all items; verification runs beside the logits, which are not returned. */
  verify(items: readonly PassItem[], options?: EngineOptions): Promise<PassResult[]>
  /** Frees the model; every later call throws `UNLOADED`. */
  unload(): Promise<void>
}
