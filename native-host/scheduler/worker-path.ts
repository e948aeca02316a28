import { MirrorPath } from '../../shared/drafter/draft-path.ts'
import type { DraftFrame, VerifiedFrame } from '../../shared/drafter/draft-worker.ts'

/** What one Draft means against the tokens that are true by now. */
export interface Arrival {
  /** The worker's tokens beyond the last true one: its whole path in the trie. Empty when it went wrong or is behind. */
  readonly live: readonly number[]
  /** Tokens of this frame that came after their position was decided, right or not. */
  readonly late: number
  /** Tokens of this frame beyond the last true one that follow a wrong one: nobody will test them. */
  readonly dead: number
  /**
   * Late tokens that were right, and whether one was the first on this path to differ from the truth. Only those that came
   * before their position was decided: the others may have been told, and to count the wrong ones alone would make a worker
   * look the worse the further away it is.
   */
  readonly hits: number
  readonly missed: boolean
}

/**
 * One worker's path for one request, compared with what is true: a Draft of an old epoch is grafted where it agrees
 * (the worker was ahead), dropped where it is late.
 */
export class WorkerPath {
  readonly #mirror: MirrorPath
  readonly #window: number
  readonly #endPosition: number
  #lastSent = 0

  constructor(known: number, window: number, endPosition: number) {
    this.#mirror = new MirrorPath(known, window, endPosition)
    this.#window = window
    this.#endPosition = endPosition
  }

  /** A Verified went to the worker. */
  sent(frame: VerifiedFrame): void {
    this.#lastSent = frame.epoch
    this.#mirror.sent(frame)
  }

  /**
   * @param truth prompt and verified tokens
   * @param decidedBefore how many of these there were when the frame came
   * @throws {DraftPathError} when the frame does not continue the path that the worker holds
   */
  draft(frame: DraftFrame, truth: readonly number[], decidedBefore: number): Arrival {
    const { known, guess } = this.#mirror.draft(frame)
    const decided = Math.min(truth.length - known, guess.length)
    let right = 0
    while (right < decided && guess[right] === truth[known + right]) right++
    // Where this frame begins within the guess.
    const start = guess.length - frame.tokens.length
    const late = Math.max(0, decided - start)
    const foreseen = Math.max(start, decidedBefore - known)
    const hits = Math.max(0, right - foreseen)
    if (right === decided) return { live: guess.slice(decided), late, dead: 0, hits, missed: false }
    return { live: [], late, dead: frame.tokens.length - late, hits, missed: right >= foreseen }
  }

  /**
   * Tokens that the worker may still send before the next Verified, when it has taken in everything sent: what its window
   * and the assignment's end leave beyond the path, or from the truth on when the path went wrong.
   */
  room(truth: readonly number[]): { readonly tokens: number; readonly restarts: boolean } {
    const { known, guess } = this.#mirror.path
    const end = this.#end
    const decided = Math.min(truth.length - known, guess.length)
    let right = 0
    while (right < decided && guess[right] === truth[known + right]) right++
    const restarts = right < decided || end <= truth.length
    const from = restarts ? truth.length : end
    const most = Math.min(truth.length + this.#window, this.#endPosition)
    return { tokens: Math.max(0, most - from), restarts }
  }

  /** How many of the worker's tokens lie beyond the last true one; 0 when it went wrong or is behind. */
  live(truth: readonly number[]): number {
    return this.room(truth).restarts ? 0 : this.#end - truth.length
  }

  /** The last token of the path, or null: after an end token a worker drafts nothing more. */
  get tip(): number | null {
    return this.#mirror.path.guess.at(-1) ?? null
  }

  get #end(): number {
    return this.#mirror.path.end
  }

  /** Number of the last Verified sent. */
  get lastSent(): number {
    return this.#lastSent
  }
}
