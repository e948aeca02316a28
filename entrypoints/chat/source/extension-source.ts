import { type ExtensionState, hasLocalOracle } from '../../background/state.ts'
import type { ExtensionFeed } from '../../pages/extension-feed.ts'
import { peerIdOf } from '../../pages/oracle-entries.ts'
import {
  type AskOptions,
  ChatError,
  type ChatEvent,
  type ChatSource,
  type ChatTurn,
  type NodeFacts,
} from './chat-source.ts'
import { HttpSource } from './http-source.ts'
import type { MeshSource } from './mesh-source.ts'

/**
 * The local Oracle while there is one, else the mesh. An answer that has begun stays with whoever began it; the next goes
 * to whoever is there then.
 */
export class ExtensionSource implements ChatSource {
  readonly #feed: ExtensionFeed
  readonly #mesh: MeshSource
  #local: { readonly key: string; readonly source: HttpSource } | null = null

  constructor(feed: ExtensionFeed, mesh: MeshSource) {
    this.#feed = feed
    this.#mesh = mesh
  }

  get lookEveryMs(): number {
    return this.#localSource()?.lookEveryMs ?? this.#mesh.lookEveryMs
  }

  onChange(listener: () => void): () => void {
    let before = choiceOf(this.#feed.snapshot())
    return this.#feed.subscribe(() => {
      const now = choiceOf(this.#feed.snapshot())
      if (now === before) return
      before = now
      listener()
    })
  }

  async node(signal: AbortSignal): Promise<NodeFacts> {
    return (await this.#choose()).node(signal)
  }

  async *ask(
    turns: readonly ChatTurn[],
    options: AskOptions,
    signal: AbortSignal,
  ): AsyncGenerator<ChatEvent> {
    yield* (await this.#choose()).ask(turns, options, signal)
  }

  async #choose(): Promise<ChatSource> {
    await this.#feed.hostKnown
    const local = this.#localSource()
    if (local) {
      this.#mesh.rest()
      return local
    }
    if (this.#feed.snapshot().settings.oracles.length > 0) return this.#mesh
    throw new ChatError('no-oracle', 'there is no local Oracle, and none is listed in the settings')
  }

  /** One source per daemon: another one has another address or another token. */
  #localSource(): HttpSource | null {
    const { host } = this.#feed.snapshot()
    const { api } = host
    if (!hasLocalOracle(host) || !api) return null
    const key = `${api.url} ${api.token}`
    if (this.#local?.key !== key) {
      this.#local = { key, source: new HttpSource(api.url, () => api.token, 'local') }
    }
    return this.#local.source
  }
}

/** Equal for two states in which the same Oracles answer. */
function choiceOf({ host, settings }: ExtensionState): string {
  return hasLocalOracle(host)
    ? `local ${host.api?.url} ${host.api?.token}`
    : `mesh ${settings.oracles.map(peerIdOf).join(' ')}`
}
