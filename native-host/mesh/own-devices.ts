import type { PairedStore } from './paired-store.ts'

/** A device of the owner's. */
export interface OwnDevice {
  readonly peerId: string
  /** Unix time, ms; null: paired by the setting mesh.paired, or a Scout that the daemon itself starts. */
  readonly pairedAt: number | null
}

/** Who counts as the owner's own: those given at the start, and those that were paired since, over restarts. */
export class OwnDevices {
  readonly #given: ReadonlySet<string>
  readonly #store: PairedStore
  #ids: ReadonlySet<string>

  constructor(given: readonly string[], store: PairedStore) {
    this.#given = new Set(given)
    this.#store = store
    this.#ids = this.#all()
  }

  ids(): ReadonlySet<string> {
    return this.#ids
  }

  has(peerId: string): boolean {
    return this.#ids.has(peerId)
  }

  list(): OwnDevice[] {
    const stored = this.#store.list().filter(({ peerId }) => !this.#given.has(peerId))
    return [...[...this.#given].map((peerId) => ({ peerId, pairedAt: null })), ...stored]
  }

  /** @returns false when it was one already @throws {PairedStoreError} and it is none */
  async add(peerId: string): Promise<boolean> {
    if (this.#ids.has(peerId)) return false
    const added = await this.#store.add(peerId, Date.now())
    this.#ids = this.#all()
    return added
  }

  /** @returns `given`: it was given at the start, and stays @throws {PairedStoreError} and it stays one */
  async remove(peerId: string): Promise<'removed' | 'unknown' | 'given'> {
    const removed = await this.#store.remove(peerId)
    this.#ids = this.#all()
    if (this.#given.has(peerId)) return 'given'
    return removed ? 'removed' : 'unknown'
  }

  #all(): ReadonlySet<string> {
    return new Set([...this.#given, ...this.#store.list().map(({ peerId }) => peerId)])
  }
}
