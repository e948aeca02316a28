import type { SequenceId } from '../../shared/engine/engine.ts'

/** A finished sequence: its KV cache holds exactly `tokens`. */
export interface CachedSequence {
  readonly sequence: SequenceId
  readonly tokens: readonly number[]
  /** Workers that drafted for it: they have the prefix cached as well. */
  readonly workers: readonly string[]
}

export interface PrefixMatch {
  readonly entry: CachedSequence
  /** Tokens that both begin with. */
  readonly length: number
}

/** Which finished sequences are kept; least recently used goes first. Knows no engine: what it gives up, the caller releases. */
export class PrefixCache {
  readonly #limit: number
  /** Oldest first. */
  #entries: CachedSequence[] = []

  constructor(limit: number) {
    this.#limit = limit
  }

  get size(): number {
    return this.#entries.length
  }

  /** The entry with the longest common prefix, if any token agrees. */
  find(tokens: readonly number[]): PrefixMatch | null {
    let best: PrefixMatch | null = null
    for (const entry of this.#entries) {
      const length = commonPrefix(entry.tokens, tokens)
      if (length > 0 && length >= (best?.length ?? 0)) best = { entry, length }
    }
    return best
  }

  /** Takes an entry out: the caller owns its sequence now. */
  take(entry: CachedSequence): void {
    this.#entries = this.#entries.filter((other) => other !== entry)
  }

  /** Marks an entry as just used. */
  touch(entry: CachedSequence): void {
    this.take(entry)
    this.#entries.push(entry)
  }

  /** Keeps a finished sequence; returns those that must go: beyond the limit, or wholly contained in the new one. */
  add(entry: CachedSequence): CachedSequence[] {
    const gone = this.#entries.filter((other) => isPrefix(other.tokens, entry.tokens))
    this.#entries = this.#entries.filter((other) => !gone.includes(other))
    this.#entries.push(entry)
    while (this.#entries.length > this.#limit) gone.push(this.#entries.shift()!)
    return gone
  }

  /** The least recently used entry, taken out. */
  evict(): CachedSequence | null {
    return this.#entries.shift() ?? null
  }

  /** Takes everything out. */
  clear(): readonly CachedSequence[] {
    const entries = this.#entries
    this.#entries = []
    return entries
  }
}

export function commonPrefix(a: readonly number[], b: readonly number[]): number {
  const end = Math.min(a.length, b.length)
  let length = 0
  while (length < end && a[length] === b[length]) length++
  return length
}

function isPrefix(a: readonly number[], b: readonly number[]): boolean {
  return a.length <= b.length && commonPrefix(a, b) === a.length
}
