/** Times of the same thing, over several rounds. */
export class Samples {
  readonly #values: number[] = []

  add(value: number): void {
    this.#values.push(value)
  }

  get count(): number {
    return this.#values.length
  }

  /** Infinity when there is none. */
  get least(): number {
    return Math.min(...this.#values)
  }

  get most(): number {
    return Math.max(...this.#values)
  }

  /** NaN when there is none. */
  get median(): number {
    const rising = this.#values.toSorted((a, b) => a - b)
    const middle = rising.length / 2
    return (rising[Math.ceil(middle) - 1]! + rising[Math.floor(middle)]!) / 2
  }
}
