import type { NoiseKey, SamplingSettings } from '../verify/settings.ts'

/** The part of an assignment that decides which token follows which. */
export interface DraftTask {
  readonly promptLength: number
  readonly settings: SamplingSettings
  readonly key: NoiseKey
  readonly stopTokens: readonly number[]
}

/** A draft model (or a trick that replaces one); it may hold several sequences at once. */
export interface Drafter {
  /** Name of the draft model, or `ngram`. */
  readonly model: string
  /** SHA-256 (hex) of the tokenizer, as engines report it; null when any ids will do. */
  readonly tokenizerHash: string | null
  /** Ids are below this. */
  readonly vocabSize: number
  /** Most tokens of one sequence. */
  readonly contextLength: number
  /** Sequences it holds at once. */
  readonly capacity: number
  open(task: DraftTask): Promise<DraftSequence>
}

/**
 * One path of tokens that is being continued. Calls don't overlap: `append` and `rollback` never come while a
 * `next` is under way.
 */
export interface DraftSequence {
  /** Tokens held: appended and drafted. */
  readonly length: number
  /** Adds tokens that follow what is held; cheap, nothing is computed before `next`. */
  append(tokens: readonly number[]): void
  /** Forgets everything from position `length` on. */
  rollback(length: number): void
  /**
   * Drafts and holds 1 … `most` tokens that follow. Empty: nothing can be drafted here, until something is appended.
   * Needs at least one held token. @throws the signal's reason, or what the model's engine throws
   */
  next(most: number, signal: AbortSignal): Promise<readonly number[]>
  close(): Promise<void>
}
