import { peerIdFromString } from '@libp2p/peer-id'
import { multiaddr } from '@multiformats/multiaddr'

/**
 * The peer that an address leads to: the last /p2p, in its usual form. null where the address ends in none. A multiaddr takes
 * anything after /p2p/, which need not be one. @throws where it is no multiaddr
 */
export function peerIdAtEnd(address: string): string | null {
  const last = multiaddr(address).getComponents().at(-1)
  if (last?.name !== 'p2p' || last.value === undefined) return null
  try {
    return peerIdFromString(last.value).toString()
  } catch {
    return null
  }
}
