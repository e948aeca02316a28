import { LIMITS } from '../../shared/protocol/limits.ts'

interface Entry {
  faults: number
  bannedUntil: number
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
    const entry = this.#entries.get(peerId) ?? { faults: 0, bannedUntil: 0 }
    entry.faults++
    const over = entry.faults - LIMITS.faultsBeforeBan
    const banMs = over < 0 ? 0 : Math.min(LIMITS.longestBanMs, LIMITS.firstBanMs * 2 ** over)
    entry.bannedUntil = this.#now() + banMs
    this.#entries.delete(peerId)
    this.#entries.set(peerId, entry)
    if (this.#entries.size > LIMITS.rememberedPeers) {
      const [stalest] = this.#entries.keys()
      if (stalest !== undefined) this.#entries.delete(stalest)
    }
    return banMs
  }

  faults(peerId: string): number {
    return this.#entries.get(peerId)?.faults ?? 0
  }

  banned(peerId: string): boolean {
    return (this.#entries.get(peerId)?.bannedUntil ?? 0) > this.#now()
  }
}
