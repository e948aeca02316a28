import type { ConnectionGater } from '@libp2p/interface'
import { isPrivateIp } from '@libp2p/utils'
import { type Multiaddr, multiaddr } from '@multiformats/multiaddr'

/** Why an address may not be dialled. */
export type DialRefusal =
  | 'private' // an address of this machine or the LAN that the user did not list: a stranger could make us knock there
  | 'public' // the swarm is off and the user did not list it
  | 'name' // a DNS name that the user did not list: it may resolve to anything, this machine included
  | 'unknown' // not an address of a host

export interface ConnectionPolicy {
  /** Whether peers that the user did not list may be dialled. */
  readonly scope: 'own' | 'swarm'
  /** Addresses that the user gave (Oracles, bootstrap peers): their hosts may be dialled, whatever they are. */
  readonly listed: readonly string[]
  /** Peers kept out for now, by peer id. */
  readonly banned?: (peerId: string) => boolean
  /** Peers for whom this node relays when the swarm is off: the owner's own devices. */
  readonly own?: (peerId: string) => boolean
}

interface Host {
  readonly kind: 'ip' | 'name'
  readonly value: string
}

/**
 * Null: it may be dialled. What the user listed may, by its host. Besides: with the swarm off, this machine, where the
 * owner's other nodes are; with the swarm on, where addresses are strangers' words, public addresses only.
 */
export function dialRefusal(address: Multiaddr, policy: ConnectionPolicy): DialRefusal | null {
  const host = hostOf(address)
  if (!host) return 'unknown'
  if (policy.listed.some((text) => sameHost(hostOf(multiaddr(text)), host))) return null
  if (host.kind === 'name') return 'name'
  if (isLoopback(host.value)) return policy.scope === 'own' ? null : 'private'
  if (!isPublic(host.value)) return 'private'
  return policy.scope === 'swarm' ? null : 'public'
}

/**
 * The node's gater. Who may connect to us is decided by where we listen (loopback unless the settings say otherwise)
 * and by bans; a connected peer can do nothing but what the protocols allow, and sees no prompt unless it is paired.
 */
export function connectionGater(policy: ConnectionPolicy): ConnectionGater {
  const banned = (peerId: string) => policy.banned?.(peerId) ?? false
  const mayRelay = (peerId: string) => policy.scope === 'swarm' || (policy.own?.(peerId) ?? false)
  return {
    denyDialMultiaddr: (address) => dialRefusal(address, policy) !== null,
    denyDialPeer: (peerId) => banned(peerId.toString()),
    denyInboundEncryptedConnection: (peerId) => banned(peerId.toString()),
    denyInboundRelayedConnection: (_relay, peerId) => banned(peerId.toString()),
    denyInboundRelayReservation: (peerId) => banned(peerId.toString()) || !mayRelay(peerId.toString()),
    // What we would not dial is not kept either, or the DHT would fill the peer store with it.
    filterMultiaddrForPeer: (_peerId, address) => dialRefusal(address, policy) === null,
  }
}

/** The first host of an address: for a relayed one, the relay's. */
function hostOf(address: Multiaddr): Host | null {
  const first = address.getComponents().find(({ name }) => name !== 'ip6zone')
  if (!first?.value) return null
  if (first.name === 'ip4' || first.name === 'ip6') return { kind: 'ip', value: first.value.toLowerCase() }
  return first.name.startsWith('dns') ? { kind: 'name', value: first.value.toLowerCase() } : null
}

function sameHost(a: Host | null, b: Host): boolean {
  return a !== null && a.kind === b.kind && a.value === b.value
}

function isLoopback(ip: string): boolean {
  return ip.startsWith('127.') || ip === '::1'
}

function isPublic(ip: string): boolean {
  // 2000::/3 is IPv6's global unicast; IPv4 from 224 on is multicast and reserved.
  const unicast = ip.includes(':') ? /^[23][0-9a-f]{3}:/.test(ip) : Number(ip.split('.')[0]) < 224
  return unicast && isPrivateIp(ip) === false
}
