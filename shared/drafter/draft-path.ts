import type { DraftFrame, VerifiedFrame } from './draft-worker.ts'

/** Why a frame does not continue the path; every one is a fault of its sender. */
export type DraftPathErrorCode =
  | 'EPOCH' // goes down, or names a Verified that was never sent
  | 'POSITION' // does not start where the path ends
  | 'EMPTY' // no tokens
  | 'WINDOW' // holds more unverified tokens than allowed
  | 'END' // reaches past the assignment's end position

export class DraftPathError extends Error {
  override readonly name = 'DraftPathError'
  readonly code: DraftPathErrorCode

  constructor(code: DraftPathErrorCode, message: string) {
    super(message)
    this.code = code
  }
}

/** What one Verified did to the guess. */
export interface PathChange {
  /** Guessed tokens that the Verified confirmed. */
  readonly confirmed: number
  /** Guessed tokens that were dropped, the first of which the Verified contradicted. */
  readonly dropped: number
}

/**
 * One worker's path in one assignment (see draft-worker.ts, "Epochs"): true tokens up to `known`, then `guess`.
 * The worker holds one and drafts along it; the Oracle holds a mirror per worker, fed with the same frames.
 */
export class DraftPath {
  /** Number of the last Verified applied. */
  epoch = 0
  /** K(epoch): absolute end of the true tokens. */
  known: number
  /** Unverified tokens from `known` on. */
  guess: number[] = []

  constructor(known: number) {
    this.known = known
  }

  /** Absolute end of the path: where the next Draft starts. */
  get end(): number {
    return this.known + this.guess.length
  }

  /** Applies true tokens. @throws {DraftPathError} EPOCH, POSITION, EMPTY */
  verified(frame: VerifiedFrame): PathChange {
    if (frame.epoch <= this.epoch) {
      throw new DraftPathError('EPOCH', `Verified ${frame.epoch} after Verified ${this.epoch}`)
    }
    if (frame.position !== this.known) {
      throw new DraftPathError('POSITION', `Verified starts at ${frame.position}, expected ${this.known}`)
    }
    if (frame.tokens.length === 0) throw new DraftPathError('EMPTY', 'Verified without tokens')
    this.epoch = frame.epoch
    this.known += frame.tokens.length
    const overlap = Math.min(frame.tokens.length, this.guess.length)
    let confirmed = 0
    while (confirmed < overlap && frame.tokens[confirmed] === this.guess[confirmed]) confirmed++
    if (confirmed === overlap) {
      this.guess = this.guess.slice(frame.tokens.length)
      return { confirmed, dropped: 0 }
    }
    const dropped = this.guess.length - confirmed
    this.guess = []
    return { confirmed, dropped }
  }

  /** Appends drafted tokens made at this path's epoch. @throws {DraftPathError} */
  draft(frame: DraftFrame, window: number, endPosition: number): void {
    if (frame.epoch !== this.epoch) {
      throw new DraftPathError('EPOCH', `Draft of epoch ${frame.epoch} on a path of epoch ${this.epoch}`)
    }
    if (frame.tokens.length === 0) throw new DraftPathError('EMPTY', 'Draft without tokens')
    if (frame.position !== this.end) {
      throw new DraftPathError('POSITION', `Draft starts at ${frame.position}, the path ends at ${this.end}`)
    }
    if (this.guess.length + frame.tokens.length > window) {
      throw new DraftPathError(
        'WINDOW',
        `${this.guess.length + frame.tokens.length} unverified, window ${window}`,
      )
    }
    if (this.end + frame.tokens.length > endPosition) {
      throw new DraftPathError(
        'END',
        `Draft reaches ${this.end + frame.tokens.length}, the end is ${endPosition}`,
      )
    }
    this.guess.push(...frame.tokens)
  }
}

/**
 * The Oracle's mirror of a worker's path: Verified frames wait until the worker says, by a Draft's epoch, that it has
 * applied them. Memory: one entry per Verified not yet applied; tokens in all at most endPosition − K(0).
 */
export class MirrorPath {
  readonly path: DraftPath
  readonly #window: number
  readonly #endPosition: number
  #sent: VerifiedFrame[] = []

  constructor(known: number, window: number, endPosition: number) {
    this.path = new DraftPath(known)
    this.#window = window
    this.#endPosition = endPosition
  }

  /** Records a Verified that was sent to the worker. */
  sent(frame: VerifiedFrame): void {
    this.#sent.push(frame)
  }

  /**
   * Takes a Draft as it arrives: afterwards `path` is the worker's path including it. @throws {DraftPathError}
   */
  draft(frame: DraftFrame): DraftPath {
    if (frame.epoch < this.path.epoch) {
      throw new DraftPathError('EPOCH', `Draft of epoch ${frame.epoch} after epoch ${this.path.epoch}`)
    }
    const last = this.#sent.at(-1)?.epoch ?? this.path.epoch
    if (frame.epoch > last) {
      throw new DraftPathError('EPOCH', `Draft of epoch ${frame.epoch}, the last Verified sent is ${last}`)
    }
    while (this.#sent[0] !== undefined && this.#sent[0].epoch <= frame.epoch) {
      this.path.verified(this.#sent.shift() as VerifiedFrame)
    }
    this.path.draft(frame, this.#window, this.#endPosition)
    return this.path
  }
}
