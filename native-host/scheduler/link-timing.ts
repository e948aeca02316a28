/** Weights of the newest sample in mean and deviation: TCP's retransmission timer (RFC 6298). */
const GAIN = 1 / 8
const DEVIATION_GAIN = 1 / 4
/** Deviations above the mean that count as "by then it should be here". */
const CAUTION = 2

/** A duration's running mean and mean deviation, in milliseconds. */
export class Duration {
  #mean = 0
  #deviation = 0
  #samples = 0

  observe(ms: number): void {
    if (this.#samples++ === 0) {
      this.#mean = ms
      this.#deviation = ms / 2
      return
    }
    const error = ms - this.#mean
    this.#deviation += DEVIATION_GAIN * (Math.abs(error) - this.#deviation)
    this.#mean += GAIN * error
  }

  /** A high quantile; null while nothing was measured. */
  get high(): number | null {
    return this.#samples === 0 ? null : this.#mean + CAUTION * this.#deviation
  }

  get mean(): number | null {
    return this.#samples === 0 ? null : this.#mean
  }
}

/**
 * When a worker's drafts arrive, measured by the Oracle's clock alone: `turn` is from a Verified that made the worker start
 * anew to the first token, `step` from one token to the next while it drafts on.
 */
export class LinkTiming {
  readonly turn = new Duration()
  readonly step = new Duration()
}
