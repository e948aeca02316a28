/**
 * Wakes the one loop that waits on it. A ring while nobody waits is kept, so that what happened between a look at the
 * state and the wait is not slept through.
 */
export class Bell {
  #rung = false
  #wake: (() => void) | null = null

  ring(): void {
    this.#rung = true
    this.#wake?.()
  }

  /** Resolves at the next ring (or one that was kept), or when the signal aborts; `true` when it rang. */
  wait(signal?: AbortSignal): Promise<boolean> {
    return new Promise((resolve) => {
      const end = () => {
        const rung = this.#rung
        this.#rung = false
        this.#wake = null
        signal?.removeEventListener('abort', end)
        resolve(rung)
      }
      if (this.#rung || signal?.aborted) return end()
      this.#wake = end
      signal?.addEventListener('abort', end, { once: true })
    })
  }
}
