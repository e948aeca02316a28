import type { Connection } from '@libp2p/interface'
import type { MeshNode } from '../../shared/mesh/node-options.ts'
import { OracleCallError } from '../../shared/mesh/oracle-call-error.ts'
import { pairOver } from '../../shared/mesh/pair-client.ts'
import { isAddressOf } from '../../shared/scout/oracle-addresses.ts'
import type { Settings } from '../options/settings.ts'
import { startBrowserNode } from './browser-node.ts'
import { CONSOLE } from './console-log.ts'
import { ensurePrivateKey } from './identity.ts'

/** This browser's node of the mesh: started when somebody needs it, stopped when nobody does, always under one peer id. */
export class NodeKeeper {
  readonly #settings: () => Settings
  readonly #onPaired: (address: string) => void
  readonly #onChange: () => void
  readonly #waiting = new Set<(node: MeshNode) => void>()
  #node: MeshNode | null = null

  constructor(settings: () => Settings, onPaired: (address: string) => void, onChange: () => void) {
    this.#settings = settings
    this.#onPaired = onPaired
    this.#onChange = onChange
  }

  get node(): MeshNode | null {
    return this.#node
  }

  /** The node as soon as it runs: a chat's port may be there before it. @throws the signal's reason */
  async ready(signal: AbortSignal): Promise<MeshNode> {
    if (this.#node) return this.#node
    const { promise, resolve, reject } = Promise.withResolvers<MeshNode>()
    const onAbort = () => reject(signal.reason)
    signal.addEventListener('abort', onAbort, { once: true })
    this.#waiting.add(resolve)
    return promise.finally(() => {
      signal.removeEventListener('abort', onAbort)
      this.#waiting.delete(resolve)
    })
  }

  get running(): boolean {
    return this.#node !== null
  }

  /** Peers connected. */
  get peers(): number {
    return this.#node?.getPeers().length ?? 0
  }

  /** @returns the peer id */
  async start(): Promise<string> {
    const settings = this.#settings
    const node = await startBrowserNode(await ensurePrivateKey(), {
      get scope() {
        return settings().scope
      },
      get listed() {
        return settings().oracles.flatMap(({ addresses }) => addresses)
      },
    })
    for (const event of ['peer:connect', 'peer:disconnect'] as const)
      node.addEventListener(event, this.#onChange)
    this.#node = node
    for (const resolve of this.#waiting) resolve(node)
    return node.peerId.toString()
  }

  async stop(): Promise<void> {
    const node = this.#node
    this.#node = null
    await node?.stop()
  }

  /** Ends all connections: what is dialled next is dialled by the addresses that are listed now. */
  async hangUp(): Promise<void> {
    await Promise.all(
      (this.#node?.getConnections() ?? []).map((connection) => connection.close().catch(() => {})),
    )
  }

  /** Shows an Oracle the invitation that the user pasted for it, if there is one left. */
  async greet(connection: Connection, signal: AbortSignal): Promise<void> {
    const oracle = connection.remotePeer.toString()
    const entry = this.#settings().oracles.find(({ addresses }) =>
      addresses.some((address) => isAddressOf(address, oracle)),
    )
    if (!entry?.invite) return
    try {
      await pairOver(connection, entry.invite, { signal })
      CONSOLE.info({ oracle }, 'paired')
    } catch (error) {
      signal.throwIfAborted()
      const code = error instanceof OracleCallError ? error.code : 'failed'
      CONSOLE.warn({ oracle, code, reason: (error as Error).message }, 'not paired')
      // The claim that follows is refused and says so. Only an invitation that is good for nothing is forgotten.
      if (code !== 'invite') return
    }
    this.#onPaired(entry.addresses[0]!)
  }
}
