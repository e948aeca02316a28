/**
 * Hands values from the pass loop to one reader, who may be slower. What waits is bounded by the producer: a request emits
 * at most its `maxTokens` and one `done`.
 */
export class EventStream<T> implements AsyncIterable<T> {
  readonly #waiting: T[] = []
  #end: { readonly error: Error | null } | null = null
  #wake: (() => void) | null = null

  get ended(): boolean {
    return this.#end !== null
  }

  push(value: T): void {
    if (this.#end !== null) return
    this.#waiting.push(value)
    this.#wake?.()
  }

  /** No more values; with an error, the reader gets it once it has read what waits. */
  end(error: Error | null = null): void {
    if (this.#end !== null) return
    this.#end = { error }
    this.#wake?.()
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T, void, void> {
    for (;;) {
      const value = this.#waiting.shift()
      if (value !== undefined) {
        yield value
      } else if (this.#end !== null) {
        if (this.#end.error !== null) throw this.#end.error
        return
      } else {
        await new Promise<void>((resolve) => {
          this.#wake = resolve
        })
        this.#wake = null
      }
    }
  }
}
