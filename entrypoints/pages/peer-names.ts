import type { Transport } from '../../shared/mesh/transport.ts'

export const TRANSPORT_NAMES: Readonly<Record<Transport, string>> = {
  tcp: 'TCP',
  websocket: 'WebSocket',
  'webrtc-direct': 'WebRTC-direct',
  webrtc: 'WebRTC',
  relay: 'relayed',
  other: 'unknown transport',
}

/** Both ends of a peer id: enough to tell one's own apart. */
export function shortPeerId(peer: string): string {
  return peer.length > 16 ? `${peer.slice(0, 6)}…${peer.slice(-6)}` : peer
}
