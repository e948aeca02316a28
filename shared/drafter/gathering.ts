/** Tokens are kept back for no longer than this share of the time between two Verified. */
const MOST_HELD = 0.25
/** Weight of the newest interval between two Verified, and of the newest token's duration. */
const GAIN = 1 / 8

/**
 * Tokens that go in one frame once so many unverified ones have been sent. A frame costs the Oracle's processor the same,
 * whatever it holds; but whoever has little in hand may be waiting for the next token.
 */
export function frameTokens(sent: number): number {
  return Math.max(1, sent >> 1)
}

/**
 * When the next tokens of a drafter arrive that gathers them so: milliseconds, rising.
 *
 * @param sent unverified tokens that it has sent
 * @param firstMs when its next token would be here if it came alone
 * @param stepMs from one token to the next
 */
export function arrivals(sent: number, tokens: number, firstMs: number, stepMs: number): number[] {
  const due: number[] = []
  while (due.length < tokens) {
    const together = Math.min(frameTokens(sent + due.length), tokens - due.length)
    const at = firstMs + (due.length + together - 1) * stepMs
    for (let i = 0; i < together; i++) due.push(at)
  }
  return due
}

/** Decides whether drafted tokens are kept back until the next one is done. */
export class Gathering {
  readonly #now: () => number
  #stepMs: number | null = null
  #verifiedMs: number | null = null
  #toldAt: number | null = null
  #heldSince: number | null = null

  /** @param now milliseconds of a clock */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now
  }

  /** A Verified came. */
  told(): void {
    const now = this.#now()
    if (this.#toldAt !== null) this.#verifiedMs = smoothed(this.#verifiedMs, now - this.#toldAt)
    this.#toldAt = now
  }

  /** Tokens were drafted, in so many milliseconds. */
  drafted(tokens: number, ms: number): void {
    this.#stepMs = smoothed(this.#stepMs, ms / tokens)
    this.#heldSince ??= this.#now()
  }

  /** Nothing is kept back any more. */
  sent(): void {
    this.#heldSince = null
  }

  /** @param sent unverified tokens that were sent before the pending ones */
  keeps(pending: number, sent: number): boolean {
    if (this.#verifiedMs === null || this.#stepMs === null || this.#heldSince === null) return false
    if (pending === 0 || pending >= frameTokens(sent)) return false
    return this.#now() - this.#heldSince + this.#stepMs <= MOST_HELD * this.#verifiedMs
  }
}

function smoothed(mean: number | null, value: number): number {
  return mean === null ? value : mean + GAIN * (value - mean)
}
