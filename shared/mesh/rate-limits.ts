/** Token buckets by key (a peer id): each holds `burst` and fills at `perSecond`. Keys are bounded; the stalest goes. */
export class RateLimits {
  readonly #perSecond: number
  readonly #burst: number
  readonly #maxKeys: number
  readonly #now: () => number
  readonly #buckets = new Map<string, { left: number; at: number }>()

  /** @param now milliseconds, monotonic */
  constructor(
    perSecond: number,
    burst: number,
    maxKeys: number,
    now: () => number = () => performance.now(),
  ) {
    this.#perSecond = perSecond
    this.#burst = burst
    this.#maxKeys = maxKeys
    this.#now = now
  }

  /** Takes one; false when the bucket is empty. */
  take(key: string): boolean {
    const at = this.#now()
    const bucket = this.#buckets.get(key) ?? { left: this.#burst, at }
    const left = Math.min(this.#burst, bucket.left + ((at - bucket.at) / 1000) * this.#perSecond)
    const allowed = left >= 1
    // Re-inserted at the end: the map's order is by last use.
    this.#buckets.delete(key)
    this.#buckets.set(key, { left: allowed ? left - 1 : left, at })
    if (this.#buckets.size > this.#maxKeys) {
      const [stalest] = this.#buckets.keys()
      if (stalest !== undefined) this.#buckets.delete(stalest)
    }
    return allowed
  }
}
