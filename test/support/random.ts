/** Seeded random numbers for tests: SplitMix32 (Steele, Lea, Flood 2014, 32-bit variant). */
export class Random {
  #state: number

  constructor(seed: number) {
    this.#state = seed | 0
  }

  /** Unsigned 32-bit integer. */
  word(): number {
    this.#state = (this.#state + 0x9e3779b9) | 0
    let z = this.#state
    z = Math.imul(z ^ (z >>> 16), 0x21f0aaad)
    z = Math.imul(z ^ (z >>> 15), 0x735a2d97)
    return (z ^ (z >>> 15)) >>> 0
  }

  /** In [0, 1). */
  uniform(): number {
    return this.word() / 0x1_0000_0000
  }

  /** Integer in [0, below). */
  integer(below: number): number {
    return Math.floor(this.uniform() * below)
  }

  /** Standard normal (Box and Muller). */
  normal(): number {
    return Math.sqrt(-2 * Math.log(1 - this.uniform())) * Math.cos(2 * Math.PI * this.uniform())
  }

  pick<T>(from: readonly T[]): T {
    return from[this.integer(from.length)] as T
  }
}
