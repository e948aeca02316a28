import { DraftPath } from './draft-path.ts'
import type { Assignment, DraftFrame, VerifiedFrame } from './draft-worker.ts'
import type { DraftSequence } from './drafter.ts'
import type { Gathering } from './gathering.ts'

/** Where drafts go. While it is not ready, drafted tokens gather and then go as one frame. */
export interface DraftOutlet {
  /** False while what was sent before still waits to leave this machine. */
  readonly ready: boolean
  send(frame: DraftFrame): void
}

/**
 * The Scout's side of one assignment: drafts on from its own guess up to the window and sends as it goes, or several
 * tokens together where the Oracle has enough in hand; on Verified it keeps what agrees, rolls its sequence back to that,
 * takes the true tokens in, and goes on.
 */
export class DraftRunner {
  readonly #assignment: Assignment
  readonly #sequence: DraftSequence
  readonly #outlet: DraftOutlet
  readonly #gathering: Gathering | null
  readonly #path: DraftPath
  /** The path's tokens, from the prompt's first. */
  readonly #tokens: number[]
  readonly #stop = new AbortController()
  /** The path's tokens before here have been sent or were told. */
  #sent: number
  /** The sequence's tokens before here are the path's. */
  #agreed = 0
  /** Counts the Verified that did more than confirm the guess: what was being drafted then no longer continues the path. */
  #moves = 0
  /** Raised whenever something happened that may let the loop go on. */
  #wake: () => void = () => {}
  drafted = 0

  /** @param gathering null: every token goes at once */
  constructor(
    assignment: Assignment,
    sequence: DraftSequence,
    outlet: DraftOutlet,
    gathering: Gathering | null = null,
  ) {
    this.#assignment = assignment
    this.#sequence = sequence
    this.#outlet = outlet
    this.#gathering = gathering
    this.#path = new DraftPath(assignment.context.length)
    this.#tokens = [...assignment.context]
    this.#sent = assignment.context.length
  }

  /** Tokens drafted and neither confirmed nor dropped. */
  get unverified(): number {
    return this.#path.guess.length
  }

  /** True tokens arrived. @throws {DraftPathError} when they do not continue what is known */
  verified(frame: VerifiedFrame): void {
    if (this.#stop.signal.aborted) return
    const from = this.#path.known
    const { confirmed, dropped } = this.#path.verified(frame)
    if (dropped > 0) {
      this.#tokens.length = from
      for (const token of frame.tokens) this.#tokens.push(token)
      this.#sent = this.#tokens.length
      this.#agreed = Math.min(this.#agreed, from + confirmed)
      this.#moves++
    } else {
      // What reaches past the guess is new; the rest of the frame is the guess.
      const beyond = frame.tokens.slice(this.#tokens.length - from)
      if (beyond.length > 0) this.#moves++
      for (const token of beyond) this.#tokens.push(token)
      this.#sent = Math.max(this.#sent, this.#path.known)
    }
    this.#gathering?.told()
    // What was kept back may be all that the Oracle has by now.
    this.#flushUnlessKept()
    this.#wake()
  }

  /** The outlet is ready again. */
  drained(): void {
    this.#flush()
    this.#wake()
  }

  stop(): void {
    this.#stop.abort(new DOMException('the assignment is over', 'AbortError'))
    this.#wake()
  }

  /** Drafts until stopped; rejects with what the sequence throws. Closes the sequence. */
  async run(): Promise<void> {
    const { signal } = this.#stop
    try {
      while (!signal.aborted) {
        const room = this.#room()
        if (room === 0 || !(await this.#step(room))) await this.#changed()
      }
    } catch (error) {
      if (!signal.aborted) throw error
    } finally {
      this.#stop.abort()
      await this.#sequence.close()
    }
  }

  /** Drafts once; false when the sequence has nothing to say here. */
  async #step(room: number): Promise<boolean> {
    if (this.#sequence.length > this.#agreed) this.#sequence.rollback(this.#agreed)
    this.#sequence.append(this.#tokens.slice(this.#agreed))
    const start = this.#tokens.length
    this.#agreed = start
    const moves = this.#moves
    const begun = performance.now()
    const drafts = await this.#sequence.next(room, this.#stop.signal)
    if (this.#stop.signal.aborted) return false
    if (this.#moves !== moves) {
      // True tokens overtook this draft. Where it foresaw them, the sequence need not take them in again.
      if (this.#agreed === start) {
        for (const token of drafts) {
          if (this.#tokens[this.#agreed] !== token) break
          this.#agreed++
        }
      }
      return true
    }
    const kept = this.#cut(drafts, room)
    for (const token of kept) {
      this.#tokens.push(token)
      this.#path.guess.push(token)
    }
    this.drafted += kept.length
    this.#agreed = this.#tokens.length
    if (kept.length > 0) this.#gathering?.drafted(kept.length, performance.now() - begun)
    if (kept.length === 0 || this.#room() === 0) this.#flush()
    else this.#flushUnlessKept()
    return kept.length > 0
  }

  /** Nothing past the room, nor past a token that ends the text. */
  #cut(drafts: readonly number[], room: number): readonly number[] {
    const end = drafts.findIndex((token) => this.#assignment.stopTokens.includes(token))
    return drafts.slice(0, end < 0 ? room : Math.min(room, end + 1))
  }

  /** How many tokens may be drafted now. */
  #room(): number {
    const { window, endPosition, promptLength, stopTokens } = this.#assignment
    const end = this.#tokens.length
    const ended = end > promptLength && stopTokens.includes(this.#tokens[end - 1] as number)
    return ended ? 0 : Math.max(0, Math.min(window - this.#path.guess.length, endPosition - end))
  }

  #flushUnlessKept(): void {
    const pending = this.#tokens.length - this.#sent
    const sent = this.#path.guess.length - pending
    if (this.#gathering?.keeps(pending, sent) !== true) this.#flush()
  }

  #flush(): void {
    if (!this.#outlet.ready) return
    this.#gathering?.sent()
    if (this.#sent === this.#tokens.length) return
    const frame = { epoch: this.#path.epoch, position: this.#sent, tokens: this.#tokens.slice(this.#sent) }
    this.#sent = this.#tokens.length
    this.#outlet.send(frame)
  }

  #changed(): Promise<void> {
    if (this.#stop.signal.aborted) return Promise.resolve()
    return new Promise((resolve) => {
      this.#wake = resolve
    })
  }
}
