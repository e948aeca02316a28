import { join } from 'node:path'
import type { DraftWorkerPool } from '../../shared/drafter/draft-worker.ts'
import type { Log } from '../../shared/log.ts'
import { joinTopics } from '../../shared/mesh/gossip.ts'
import type { MeshNode } from '../../shared/mesh/node-options.ts'
import { type Transport, transportOf } from '../../shared/mesh/transport.ts'
import { formatJoinLink } from '../../shared/protocol/join-link.ts'
import type { ChatService } from './chat-service.ts'
import { DraftService, type DraftServiceEvents, type DraftTarget } from './draft-service.ts'
import { FaultBook } from './fault-book.ts'
import { GenerateService, type GenerateServiceEvents } from './generate-service.ts'
import { ensureIdentity, type Identity } from './identity.ts'
import { Invites } from './invites.ts'
import { joinAddresses } from './join-addresses.ts'
import type { ListenSettings } from './listen.ts'
import { startOracleNode } from './oracle-node.ts'
import { type OwnDevice, OwnDevices } from './own-devices.ts'
import { PairService, type PairServiceEvents } from './pair-service.ts'
import { PairedStore } from './paired-store.ts'
import { stopNode } from './stop-node.ts'

export interface OracleMeshOptions {
  /** The node's folder: key, certificate, and who was paired. */
  readonly directory: string
  readonly listen: ListenSettings
  /** `own`: only paired Scouts are taken, and nobody but listed peers is dialled. */
  readonly scope: 'own' | 'swarm'
  /** Peer ids of the owner's devices, besides those that were paired by invitation. */
  readonly paired: readonly string[]
  readonly bootstrap: readonly string[]
  readonly relays: readonly string[]
  readonly mdns: boolean
  readonly log: Log
  readonly events?: DraftServiceEvents &
    PairServiceEvents &
    GenerateServiceEvents & {
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
  readonly #drafts: DraftService
  readonly #pairs: PairService
  readonly #answers: GenerateService
  readonly #faults: FaultBook
  readonly #scope: 'own' | 'swarm'
  readonly #own: OwnDevices
  readonly #invites = new Invites()

  private constructor(
    node: MeshNode,
    own: OwnDevices,
    faults: FaultBook,
    { privateKey }: Identity,
    { scope, log, events }: OracleMeshOptions,
  ) {
    const common = { node, faults, log, ...(events && { events }) }
    const isOwn = (peerId: string) => own.has(peerId)
    this.#node = node
    this.#own = own
    this.#faults = faults
    this.#scope = scope
    this.#drafts = new DraftService({ ...common, privateKey, scope, paired: () => own.ids() })
    this.#pairs = new PairService({
      ...common,
      invites: this.#invites,
      isOwn,
      pair: (peerId) => this.pair(peerId),
    })
    this.#answers = new GenerateService({ ...common, isOwn })
  }

  /** @throws when a port is taken @throws {PairedStoreError} when it cannot be read who is paired */
  static async start(options: OracleMeshOptions): Promise<OracleMesh> {
    const { listen, scope, bootstrap, relays, mdns, log, events } = options
    const own = new OwnDevices(options.paired, await PairedStore.open(join(options.directory, 'paired.json')))
    const identity = await ensureIdentity(options.directory)
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
        own: (peerId) => own.has(peerId),
      },
    })
    joinTopics(node.services.gossip, {
      rejected: (topic, peerId, reason) => {
        log.warn({ topic, peerId, reason }, 'invalid gossip')
        events?.rejected?.(topic, peerId)
      },
    })
    const mesh = new OracleMesh(node, own, faults, identity, options)
    await Promise.all([mesh.#drafts.start(), mesh.#pairs.start(), mesh.#answers.start()])
    log.info({ peerId: identity.peerId, scope, addresses: mesh.multiaddrs() }, 'mesh started')
    return mesh
  }

  get peerId(): string {
    return this.#node.peerId.toString()
  }

  /** The standing pool of one tokenizer, for the Oracle's core. */
  poolFor(tokenizerHash: string): DraftWorkerPool {
    return this.#drafts.poolFor(tokenizerHash)
  }

  /** The models that Scouts may draft for from now on; without one they are told that the Oracle is not ready. */
  setTargets(targets: readonly DraftTarget[]): void {
    this.#drafts.setTargets(targets)
  }

  /** Until this is called, devices that ask are told that the Oracle is not ready. */
  setChat(chat: ChatService | null): void {
    this.#answers.setChat(chat)
  }

  /** From now on, over restarts, this peer counts as the owner's. @throws {PairedStoreError} and it does not */
  async pair(peerId: string): Promise<void> {
    // As a stranger's, its drafts were for fewer requests.
    if (await this.#own.add(peerId)) this.#drafts.letGo(peerId)
  }

  /** It is the owner's no longer: its requests end at once. @throws {PairedStoreError} and it stays */
  async unpair(peerId: string): Promise<'removed' | 'unknown' | 'given'> {
    const outcome = await this.#own.remove(peerId)
    if (outcome === 'removed') {
      this.#drafts.letGo(peerId)
      this.#answers.letGo(peerId)
    }
    return outcome
  }

  devices(): OwnDevice[] {
    return this.#own.list()
  }

  /** A link that makes one device, once, the owner's own, and says where this Oracle is. */
  invite(hours: number): { readonly link: string; readonly expiresAt: number } {
    const { invite, expiresAt } = this.#invites.create(hours)
    return { link: formatJoinLink({ oracles: joinAddresses(this.multiaddrs()), invite }), expiresAt }
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
    const workers = new Map(this.#drafts.workers().map((worker) => [worker.id, worker]))
    return this.#node.getPeers().map((peer) => {
      const peerId = peer.toString()
      const worker = workers.get(peerId)
      const connections = this.#node.getConnections(peer)
      const latencies = connections.flatMap(({ rtt }) => (rtt === undefined ? [] : [rtt]))
      return {
        peerId,
        role: worker ? 'scout' : 'peer',
        own: this.#own.has(peerId),
        model: worker?.model ?? null,
        transports: [...new Set(connections.map(({ remoteAddr }) => transportOf(remoteAddr)))],
        addresses: connections.map(({ remoteAddr }) => remoteAddr.toString()),
        latencyMs: latencies.length > 0 ? Math.min(...latencies) : null,
        faults: this.#faults.faults(peerId),
        since: Math.min(Date.now(), ...connections.map(({ timeline }) => timeline.open)),
      }
    })
  }

  /** Tells peers goodbye and stops. The process must end right after: see `stopNode`. */
  async stop(): Promise<void> {
    await Promise.all([this.#drafts.stop(), this.#pairs.stop(), this.#answers.stop()])
    await stopNode(this.#node)
  }
}
