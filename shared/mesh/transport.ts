import type { Multiaddr } from '@multiformats/multiaddr'

export type Transport = 'tcp' | 'websocket' | 'webrtc-direct' | 'webrtc' | 'relay' | 'other'

/** What carries a connection to this address. */
export function transportOf(address: Multiaddr): Transport {
  const names = new Set(address.getComponents().map(({ name }) => name))
  if (names.has('webrtc-direct')) return names.has('p2p-circuit') ? 'relay' : 'webrtc-direct'
  if (names.has('webrtc')) return 'webrtc'
  if (names.has('p2p-circuit')) return 'relay'
  if (names.has('ws') || names.has('wss')) return 'websocket'
  return names.has('tcp') ? 'tcp' : 'other'
}
