import { bootstrap } from '@libp2p/bootstrap'
import { circuitRelayServer, circuitRelayTransport } from '@libp2p/circuit-relay-v2'
import { type KadDHT, kadDHT, passthroughMapper } from '@libp2p/kad-dht'
import { mdns } from '@libp2p/mdns'
import { tcp } from '@libp2p/tcp'
import { webRTCDirect } from '@libp2p/webrtc'
import { webSockets } from '@libp2p/websockets'
import { createLibp2p } from 'libp2p'
import type { ConnectionPolicy } from '../../shared/mesh/connection-policy.ts'
import { type MeshNode, nodeOptions } from '../../shared/mesh/node-options.ts'
import { LIMITS } from '../../shared/protocol/limits.ts'
import { KAD_PROTOCOL } from '../../shared/protocol/names.ts'
import type { Identity } from './identity.ts'
import { type ListenSettings, listenAddresses } from './listen.ts'

export interface OracleNodeOptions {
  readonly identity: Identity
  readonly listen: ListenSettings
  readonly policy: ConnectionPolicy
  /** Multiaddrs of peers to begin with. */
  readonly bootstrap: readonly string[]
  /** Multiaddrs (with peer id) of relays to be reachable through. */
  readonly relays: readonly string[]
  /** Find and be found on the LAN. */
  readonly mdns: boolean
}

/**
 * An Oracle's node, started: TCP, WebSocket and WebRTC-direct, DHT in server mode, a relay with limits.
 * Stopping it while WebRTC connections are live is not safe in a process that goes on: exit right after `stop()`.
 */
export async function startOracleNode(options: OracleNodeOptions): Promise<MeshNode> {
  const { identity, policy } = options
  const common = nodeOptions(identity.privateKey, policy)
  const node = await createLibp2p({
    ...common,
    addresses: {
      listen: [...listenAddresses(options.listen), ...options.relays.map((relay) => `${relay}/p2p-circuit`)],
    },
    transports: [
      tcp(),
      webSockets(),
      webRTCDirect({ certificate: identity.certificate }),
      circuitRelayTransport(),
    ],
    peerDiscovery: [
      ...(options.bootstrap.length > 0 ? [bootstrap({ list: [...options.bootstrap] })] : []),
      ...(options.mdns ? [mdns()] : []),
    ],
    services: {
      ...common.services,
      dht: kadDHT({ protocol: KAD_PROTOCOL, clientMode: false, peerInfoMapper: passthroughMapper }),
      relay: circuitRelayServer({
        reservations: {
          maxReservations: LIMITS.relayReservations,
          defaultDataLimit: BigInt(LIMITS.relayBytes),
          defaultDurationLimit: LIMITS.relayDurationMs,
        },
      }),
    },
  })
  await (node.services.dht as KadDHT).setMode('server')
  return node as unknown as MeshNode
}
