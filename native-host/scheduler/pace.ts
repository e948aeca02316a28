/** Weight that a pass keeps per later one: about the last thirty count. */
const MEMORY = 0.97

/** Tokens per time of late, waits and passes together: what a millisecond is worth. */
export class Pace {
  #tokens = 0
  #ms = 0

  observe(tokens: number, ms: number): void {
    this.#tokens = this.#tokens * MEMORY + tokens
    this.#ms = this.#ms * MEMORY + ms
  }

  /** Tokens per millisecond; 0 while nothing is known. */
  get rate(): number {
    return this.#ms > 0 ? this.#tokens / this.#ms : 0
  }
}
