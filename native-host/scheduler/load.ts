/** What is asked of the Oracle at a moment. */
export interface Load {
  /** Requests that run. */
  readonly requests: number
  /** Milliseconds that a token costs now without drafts: T(base rows) / base rows. */
  readonly tokenMs: number
  /** Milliseconds of the clock, and of passes so far with about as many requests. */
  readonly now: number
  readonly busyMs: number
  /** Passes in a row, up to now, with about as many. */
  readonly steady: number
}

/** Numbers of requests that are judged as one: 1, 2, up to 4, up to 8, and so on. */
export function loadSize(requests: number): number {
  return Math.ceil(Math.log2(Math.max(1, requests)))
}

/** What has been asked of the engine so far. */
export class Workload {
  readonly #ms = new Map<number, number>()
  #size = 0
  #steady = 0

  /** A pass with so many requests took `ms`. */
  observe(requests: number, ms: number): void {
    const size = loadSize(requests)
    this.#ms.set(size, (this.#ms.get(size) ?? 0) + ms)
    this.#steady = size === this.#size ? this.#steady + 1 : 1
    this.#size = size
  }

  /** Of about so many requests. */
  of(requests: number): Pick<Load, 'busyMs' | 'steady'> {
    const size = loadSize(requests)
    return { busyMs: this.#ms.get(size) ?? 0, steady: size === this.#size ? this.#steady : 0 }
  }
}
