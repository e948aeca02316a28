import { circuitRelayTransport } from '@libp2p/circuit-relay-v2'
import { tcp } from '@libp2p/tcp'
import { webRTCDirect } from '@libp2p/webrtc'
import { webSockets } from '@libp2p/websockets'
import { createLibp2p } from 'libp2p'
import type { ConnectionPolicy } from '../../shared/mesh/connection-policy.ts'
import { type MeshNode, nodeOptions } from '../../shared/mesh/node-options.ts'
import type { Identity } from './identity.ts'

export interface ScoutNodeOptions {
  readonly identity: Identity
  readonly policy: ConnectionPolicy
}

/** A headless Scout's node, started: it dials (TCP, WebSocket, WebRTC-direct, relayed) and listens nowhere. */
export async function startScoutNode({ identity, policy }: ScoutNodeOptions): Promise<MeshNode> {
  const node = await createLibp2p({
    ...nodeOptions(identity.privateKey, policy),
    transports: [
      tcp(),
      webSockets(),
      webRTCDirect({ certificate: identity.certificate }),
      circuitRelayTransport(),
    ],
  })
  return node as unknown as MeshNode
}
