import { circuitRelayTransport } from '@libp2p/circuit-relay-v2'
import type { PrivateKey } from '@libp2p/interface'
import { webRTC, webRTCDirect } from '@libp2p/webrtc'
import { webSockets } from '@libp2p/websockets'
import { createLibp2p } from 'libp2p'
import type { ConnectionPolicy } from '../../shared/mesh/connection-policy.ts'
import { type MeshNode, nodeOptions } from '../../shared/mesh/node-options.ts'

/**
 * A browser's node, started: it dials (WebRTC-direct, WebSocket, relayed and from there WebRTC) and listens nowhere.
 * The policy is asked at every dial, so what the user lists later may be dialled without a new node.
 */
export async function startBrowserNode(privateKey: PrivateKey, policy: ConnectionPolicy): Promise<MeshNode> {
  const node = await createLibp2p({
    ...nodeOptions(privateKey, policy),
    addresses: { listen: [] },
    transports: [webRTCDirect(), webRTC(), webSockets(), circuitRelayTransport()],
  })
  return node as unknown as MeshNode
}
