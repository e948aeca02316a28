import { multiaddr } from '@multiformats/multiaddr'

/** Addresses grouped by the peer id at their end. */
export function byOracle(addresses: readonly string[]): Map<string, string[]> {
  const groups = new Map<string, string[]>()
  for (const address of addresses) {
    const key = peerIdOf(address) ?? address
    groups.set(key, [...(groups.get(key) ?? []), address])
  }
  return groups
}

/** The peer that an address leads to: the last /p2p. */
function peerIdOf(address: string): string | null {
  const last = multiaddr(address).getComponents().at(-1)
  return last?.name === 'p2p' ? (last.value ?? null) : null
}

/** Addresses in an Offer are a stranger's words: they must parse and lead to the Oracle that signed it. */
export function isAddressOf(address: string, oracle: string): boolean {
  try {
    return peerIdOf(address) === oracle
  } catch {
    return false
  }
}
