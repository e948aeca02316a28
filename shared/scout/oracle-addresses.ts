import { peerIdAtEnd } from '../protocol/peer-address.ts'

/** Addresses grouped by the peer id at their end. */
export function byOracle(addresses: readonly string[]): Map<string, string[]> {
  const groups = new Map<string, string[]>()
  for (const address of addresses) {
    const key = peerIdAtEnd(address) ?? address
    groups.set(key, [...(groups.get(key) ?? []), address])
  }
  return groups
}

/** Addresses in an Offer are a stranger's words: they must parse and lead to the Oracle that signed it. */
export function isAddressOf(address: string, oracle: string): boolean {
  try {
    return peerIdAtEnd(address) === oracle
  } catch {
    return false
  }
}
