import type { GossipSub } from '@libp2p/gossipsub'
import { type Identify, identify } from '@libp2p/identify'
import type { Libp2p, PrivateKey } from '@libp2p/interface'
import { noise } from '@libp2p/noise'
import { type Ping, ping } from '@libp2p/ping'
import { yamux } from '@libp2p/yamux'
import { LIMITS } from '../protocol/limits.ts'
import { AGENT } from '../protocol/names.ts'
import { type ConnectionPolicy, connectionGater } from './connection-policy.ts'
import { gossipService } from './gossip.ts'

/** Services that every node of the mesh has. */
export interface MeshServices extends Record<string, unknown> {
  identify: Identify
  ping: Ping
  gossip: GossipSub
}

export type MeshNode = Libp2p<MeshServices>

/** What Oracle and Scout nodes have in common. */
export function nodeOptions(privateKey: PrivateKey, policy: ConnectionPolicy) {
  return {
    privateKey,
    nodeInfo: { userAgent: AGENT },
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    connectionGater: connectionGater(policy),
    connectionManager: {
      maxConnections: LIMITS.connections,
      inboundConnectionThreshold: LIMITS.connectionsPerSecond,
      dialTimeout: LIMITS.dialTimeoutMs,
      addressDialTimeout: LIMITS.dialTimeoutMs,
      // Reconnecting is the Scout's own business: bounded, logged, and told to stop.
      reconnectRetries: 0,
    },
    services: {
      identify: identify({ runOnLimitedConnection: true }),
      ping: ping({ runOnLimitedConnection: true }),
      gossip: gossipService(),
    },
  }
}
