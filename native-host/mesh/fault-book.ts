import { LIMITS } from '../../shared/protocol/limits.ts'

interface Entry {
  readonly faults: number
  readonly lastAt: number
  readonly bannedUntil: number
}

/** Who broke the protocol how often, and who is kept out until when. Bounded: the stalest entry is forgotten. */
export class FaultBook {
  readonly #entries = new Map<string, Entry>()
  readonly #now: () => number

  /** @param now milliseconds, monotonic */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now
  }

  /** Counts a fault; returns for how long the peer is kept out, 0 for not yet. */
  fault(peerId: string): number {
    const now = this.#now()
    const faults = this.faults(peerId) + 1
    const over = faults - LIMITS.faultsBeforeBan
    const banMs = over < 0 ? 0 : Math.min(LIMITS.longestBanMs, LIMITS.firstBanMs * 2 ** over)
    this.#entries.delete(peerId)
    this.#entries.set(peerId, { faults, lastAt: now, bannedUntil: now + banMs })
    if (this.#entries.size > LIMITS.rememberedPeers) {
      const [stalest] = this.#entries.keys()
      if (stalest !== undefined) this.#entries.delete(stalest)
    }
    return banMs
  }

  faults(peerId: string): number {
    const entry = this.#entries.get(peerId)
    return entry && this.#now() - entry.lastAt < LIMITS.faultMemoryMs ? entry.faults : 0
  }

  banned(peerId: string): boolean {
    return (this.#entries.get(peerId)?.bannedUntil ?? 0) > this.#now()
  }
}
