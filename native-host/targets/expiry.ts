import type { Clock } from '../oracle/clock.ts'

/** Timers hold no more than 2^31 − 1 ms. */
const LONGEST_SLEEP_MS = 2 ** 31 - 1

/** Something that ends at a time, however far away, unless it is called off. */
export class Expiry {
  readonly #clock: Clock
  readonly #at: number
  readonly #calledOff = new AbortController()

  constructor(clock: Clock, ms: number, expire: () => void) {
    this.#clock = clock
    this.#at = clock.now() + ms
    void this.#wait(expire)
  }

  get leftMs(): number {
    return Math.max(0, this.#at - this.#clock.now())
  }

  callOff(): void {
    this.#calledOff.abort()
  }

  async #wait(expire: () => void): Promise<void> {
    const { signal } = this.#calledOff
    while (this.leftMs > 0 && !signal.aborted)
      await this.#clock.sleep(Math.min(this.leftMs, LONGEST_SLEEP_MS), signal)
    if (!signal.aborted) expire()
  }
}
