import type { DraftWorkerPool } from '../../shared/drafter/draft-worker.ts'
import type { Log } from '../../shared/log.ts'
import { joinTopics } from '../../shared/mesh/gossip.ts'
import type { MeshNode } from '../../shared/mesh/node-options.ts'
import { type Transport, transportOf } from '../../shared/mesh/transport.ts'
import { DraftService, type DraftServiceEvents, type DraftTarget } from './draft-service.ts'
import { FaultBook } from './fault-book.ts'
import { ensureIdentity } from './identity.ts'
import type { ListenSettings } from './listen.ts'
import { startOracleNode } from './oracle-node.ts'
import { stopNode } from './stop-node.ts'

export interface OracleMeshOptions {
  /** The node's folder: key and certificate. */
  readonly directory: string
  readonly listen: ListenSettings
  /** `own`: only paired Scouts are taken, and nobody but listed peers is dialled. */
  readonly scope: 'own' | 'swarm'
  /** Peer ids of the owner's Scouts. */
  readonly paired: readonly string[]
  readonly bootstrap: readonly string[]
  readonly relays: readonly string[]
  readonly mdns: boolean
  readonly log: Log
  readonly events?: DraftServiceEvents & {
    /** A gossip message failed validation. */
    rejected?(topic: string, peerId: string): void
  }
}

/** For `/v1/system/topology`. */
export interface MeshTopology {
  readonly peerId: string
  readonly scope: 'own' | 'swarm'
  readonly addresses: readonly { readonly transport: Transport; readonly multiaddr: string }[]
}

/** For `/v1/system/peers`; what a peer has drafted, the Oracle's core knows. */
export interface MeshPeer {
  readonly peerId: string
  /** A Scout of the standing pool, or a peer that is merely connected. */
  readonly role: 'scout' | 'peer'
  readonly own: boolean
  readonly model: string | null
  readonly transports: readonly Transport[]
  readonly addresses: readonly string[]
  /** Round trip, measured by libp2p every ten seconds; null before the first. */
  readonly latencyMs: number | null
  readonly faults: number
  /** Unix time, ms, of the oldest connection. */
  readonly since: number
}

/** The Oracle's part of the mesh, started: its node, the standing pool of Scouts, and what the API shows of both. */
export class OracleMesh {
  readonly #node: MeshNode
  readonly #service: DraftService
  readonly #faults: FaultBook
  readonly #scope: 'own' | 'swarm'
  readonly #paired: Set<string>

  private constructor(
    node: MeshNode,
    service: DraftService,
    faults: FaultBook,
    scope: 'own' | 'swarm',
    paired: Set<string>,
  ) {
    this.#node = node
    this.#service = service
    this.#faults = faults
    this.#scope = scope
    this.#paired = paired
  }

  /** @throws when a port is taken */
  static async start(options: OracleMeshOptions): Promise<OracleMesh> {
    const { listen, scope, bootstrap, relays, mdns, log, events } = options
    const identity = await ensureIdentity(options.directory)
    const paired = new Set(options.paired)
    const faults = new FaultBook()
    const node = await startOracleNode({
      identity,
      listen,
      bootstrap,
      relays,
      mdns,
      policy: {
        scope,
        listed: [...bootstrap, ...relays],
        banned: (peerId) => faults.banned(peerId),
        own: (peerId) => paired.has(peerId),
      },
    })
    joinTopics(node.services.gossip, {
      rejected: (topic, peerId, reason) => {
        log.warn({ topic, peerId, reason }, 'invalid gossip')
        events?.rejected?.(topic, peerId)
      },
    })
    const service = new DraftService({
      node,
      privateKey: identity.privateKey,
      scope,
      paired: () => paired,
      faults,
      log,
      ...(events ? { events } : {}),
    })
    await service.start()
    const mesh = new OracleMesh(node, service, faults, scope, paired)
    log.info({ peerId: identity.peerId, scope, addresses: mesh.multiaddrs() }, 'mesh started')
    return mesh
  }

  get peerId(): string {
    return this.#node.peerId.toString()
  }

  /** The standing pool, for the Oracle's core. */
  get pool(): DraftWorkerPool {
    return this.#service
  }

  /** Until this is called Scouts are told that the Oracle is not ready. */
  setTarget(target: DraftTarget | null): void {
    this.#service.setTarget(target)
  }

  /** From now on this peer counts as the owner's. */
  pair(peerId: string): void {
    this.#paired.add(peerId)
  }

  /** Where Scouts dial: with the peer id at the end. */
  multiaddrs(): string[] {
    return this.#node.getMultiaddrs().map(String)
  }

  topology(): MeshTopology {
    return {
      peerId: this.peerId,
      scope: this.#scope,
      addresses: this.#node
        .getMultiaddrs()
        .map((address) => ({ transport: transportOf(address), multiaddr: address.toString() })),
    }
  }

  peers(): MeshPeer[] {
    const workers = new Map(this.#service.workers().map((worker) => [worker.id, worker]))
    return this.#node.getPeers().map((peer) => {
      const peerId = peer.toString()
      const worker = workers.get(peerId)
      const connections = this.#node.getConnections(peer)
      const latencies = connections.flatMap(({ rtt }) => (rtt === undefined ? [] : [rtt]))
      return {
        peerId,
        role: worker ? 'scout' : 'peer',
        own: this.#paired.has(peerId),
        model: worker?.model ?? null,
        transports: [...new Set(connections.map(({ remoteAddr }) => transportOf(remoteAddr)))],
        addresses: connections.map(({ remoteAddr }) => remoteAddr.toString()),
        latencyMs: latencies.length > 0 ? Math.min(...latencies) : null,
        faults: this.#faults.faults(peerId),
        since: Math.min(Date.now(), ...connections.map(({ timeline }) => timeline.open)),
      }
    })
  }

  /** Tells Scouts goodbye and stops. The process must end right after: see `stopNode`. */
  async stop(): Promise<void> {
    await this.#service.stop()
    await stopNode(this.#node)
  }
}
