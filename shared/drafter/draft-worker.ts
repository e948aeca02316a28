import type { NoiseKey, SamplingSettings } from '../verify/settings.ts'

/**
 * The seam between the Oracle's core and whoever drafts: a Scout behind a stream, or a drafter in this process.
 * Positions are absolute: index into prompt + generated tokens.
 *
 * **Epochs: what a Draft continues.** Let K(e) be the end of what the worker knows to be true after Verified e
 * (K(0) = the assignment's context length; K(e) = position + length of Verified e). At every moment the worker's path is
 * the K(e) true tokens followed by its *guess*: tokens that it drafted and that nothing has contradicted.
 * - A Draft appends to the path: its `position` is K(epoch) + length of the guess, always. So the path that a Draft
 *   continues is a function of the frames alone, and both sides compute it with `DraftPath` (draft-path.ts).
 * - Verified e with n tokens: when the guess and those tokens agree on all that both have, the guess loses its first n
 *   tokens (or becomes empty); at the first difference the whole guess is dropped. The next Draft then starts at K(e).
 * - A worker's epochs never go down, and never pass the last Verified sent. It may skip some: applying two Verified in
 *   turn is the same as applying both as one, so a slow stream may carry them merged, under the later number.
 * - The guess is never longer than the window: position + tokens.length ≤ K(epoch) + window; and never passes endPosition.
 * - A worker whose guess ends in a stop token drafts nothing more until a Verified drops it.
 * Frames that break these rules are faults of the worker; they are dropped at the edge and never reach `DraftSink.draft`.
 * A Draft of an old epoch is no fault: the Oracle compares the path with what it has verified since, grafts the part that
 * lies beyond and agrees, and drops the rest as late (or, where it differs, as one miss).
 */
export interface Assignment {
  /** Unique per Oracle; one request may be assigned to several workers, each with its own id. */
  readonly id: number
  /** Prompt and verified tokens so far. */
  readonly context: readonly number[]
  readonly promptLength: number
  readonly settings: SamplingSettings
  readonly key: NoiseKey
  /** Most unverified tokens a worker may hold. */
  readonly window: number
  /** No draft at or past this position is wanted (the request's max tokens, or the context's end). */
  readonly endPosition: number
  readonly stopTokens: readonly number[]
}

/** Tokens drafted, worker → Oracle. */
export interface DraftFrame {
  /** Number of the last Verified applied; 0 = the assignment itself. */
  readonly epoch: number
  /** Absolute position of `tokens[0]`. */
  readonly position: number
  readonly tokens: readonly number[]
}

/** True tokens, Oracle → worker. */
export interface VerifiedFrame {
  /** 1, 2, 3 …; each covers the tokens since the one before. */
  readonly epoch: number
  /** Absolute position of `tokens[0]`, equal to the end of what was known before. */
  readonly position: number
  readonly tokens: readonly number[]
  /** The assignment's account so far; absent: 0. */
  readonly account?: Pick<DraftAccount, 'drafted' | 'accepted'>
}

export type DoneReason = 'finished' | 'cancelled' | 'not-needed' | 'reassigned' | 'shutdown'

/** What the Oracle learns about one assignment; calls after `closed` are ignored. */
export interface DraftSink {
  draft(frame: DraftFrame): void
  /** The worker is gone or gave the assignment back. `fault` says whether it broke the protocol. */
  closed(reason: string, fault: boolean): void
}

/** The Oracle's handle on one assignment. None of these waits or throws. */
export interface DraftSession {
  verified(frame: VerifiedFrame): void
  /** Ends the assignment; with the account of the work, for the worker's display and the signed result. */
  done(reason: DoneReason, account: DraftAccount): void
}

export interface DraftAccount {
  /** Drafted tokens that took part in a pass. */
  readonly drafted: number
  readonly accepted: number
  readonly seconds: number
}

/** Someone who can draft: `id` is a peer id, or `local:<name>`. */
export interface DraftWorker {
  readonly id: string
  readonly origin: 'scout' | 'local'
  /** Paired with this Oracle or of its own process: may see prompts in scope `own`. */
  readonly own: boolean
  /** Name of the draft model (or `ngram`): acceptance is kept per worker and model. */
  readonly model: string
  /** Tokens/s that the worker claims; 0 when unknown. */
  readonly speed: number
  /** Assignments it takes at once. */
  readonly capacity: number
  assign(assignment: Assignment, sink: DraftSink): DraftSession
}

/** What the Oracle's core asks of the mesh (and of local drafters): the standing pool and a way to enlarge it. */
export interface DraftWorkerPool {
  workers(): readonly DraftWorker[]
  /** Calls back on every arrival and departure until the returned function is called. */
  onChange(listener: () => void): () => void
  /** The pool is short: publish an offer if the rate allows. Never throws. */
  recruit(need: RecruitNeed): void
}

export interface RecruitNeed {
  readonly wanted: number
  readonly scope: Scope
  /** Bucketed context length, never the text. */
  readonly contextLength: number
  readonly expectedTokens: number
}

/** Who may see a request's tokens: nobody else, this owner's devices, or everybody on the mesh. */
export type Scope = 'none' | 'own' | 'swarm'
