/**
 * Finds stop strings in text that comes in pieces, and says how much of it may be shown: a possible beginning of a
 * stop string is held back until it is decided.
 */
export class StopStrings {
  readonly #stops: readonly string[]
  /** The undecided end of the text: a proper beginning of a stop string, or empty. */
  #held = ''
  #length = 0

  constructor(stops: readonly string[]) {
    this.#stops = stops.filter((stop) => stop.length > 0)
  }

  /**
   * @returns `shown`: characters of the whole text so far that are decided; `cut`: true when a stop string begins there.
   * Of several that match at once, the one that begins first counts.
   */
  push(text: string): { readonly shown: number; readonly cut: boolean } {
    const pending = this.#held + text
    const start = this.#length - this.#held.length
    this.#length += text.length
    const found = this.#stops.map((stop) => pending.indexOf(stop)).filter((at) => at >= 0)
    if (found.length > 0) return { shown: start + Math.min(...found), cut: true }
    this.#held = pending.slice(pending.length - this.#heldLength(pending))
    return { shown: this.#length - this.#held.length, cut: false }
  }

  /** Length of the longest end of `pending` with which a stop string begins. */
  #heldLength(pending: string): number {
    let longest = 0
    for (const stop of this.#stops) {
      for (let n = Math.min(stop.length - 1, pending.length); n > longest; n--) {
        if (pending.endsWith(stop.slice(0, n))) longest = n
      }
    }
    return longest
  }
}
