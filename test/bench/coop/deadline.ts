/** A time by which everything must be over; what takes longer than is left is not begun. */
export class Deadline {
  readonly #at: number

  constructor(minutes: number | null) {
    this.#at = minutes === null ? Number.POSITIVE_INFINITY : performance.now() + 60_000 * minutes
  }

  /** Whether there is time for what takes so long. */
  allows(ms: number): boolean {
    return performance.now() + ms <= this.#at
  }
}
