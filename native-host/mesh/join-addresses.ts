import { multiaddr } from '@multiformats/multiaddr'
import { transportOf } from '../../shared/mesh/transport.ts'
import { LIMITS } from '../../shared/protocol/limits.ts'

/**
 * The addresses for a join link, as many as it takes: first those that a browser can dial, and of these first those
 * that lead here from elsewhere.
 */
export function joinAddresses(multiaddrs: readonly string[]): string[] {
  const rank = (address: string) => {
    const forBrowsers = transportOf(multiaddr(address)) !== 'tcp'
    const fromElsewhere = !/^\/(ip4\/127\.|ip6\/::1\/)/.test(address)
    return (forBrowsers ? 0 : 2) + (fromElsewhere ? 0 : 1)
  }
  return multiaddrs
    .filter((address) => address.length <= LIMITS.addressBytes)
    .sort((a, b) => rank(a) - rank(b))
    .slice(0, LIMITS.offerAddresses)
}
