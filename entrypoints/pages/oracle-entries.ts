import { multiaddr } from '@multiformats/multiaddr'
import { type Transport, transportOf } from '../../shared/mesh/transport.ts'
import { type JoinLink, parseJoinLink } from '../../shared/protocol/join-link.ts'
import { LIMITS } from '../../shared/protocol/limits.ts'
import { MOST_ORACLES, type OracleEntry } from '../options/settings.ts'

/** Why an Oracle that was given rightly is of no use here; the message says what to do. */
export class OracleListError extends Error {
  override readonly name = 'OracleListError'
  readonly code: 'NO_TRANSPORT' | 'FULL'

  constructor(code: OracleListError['code'], message: string) {
    super(message)
    this.code = code
  }
}

/**
 * Reads what was pasted, for a browser: at least one address must be of a kind that browsers dial.
 * @throws {JoinLinkError}
 * @throws {OracleListError}
 */
export function readPasted(text: string): OracleEntry {
  const entry = entryOf(parseJoinLink(text))
  if (transportsOf(entry).every((transport) => transport === 'tcp' || transport === 'other'))
    throw new OracleListError(
      'NO_TRANSPORT',
      'a browser cannot dial this address: use the one with /webrtc-direct/ or /ws/ in it, or the join link',
    )
  return entry
}

function entryOf({ oracles, invite }: JoinLink): OracleEntry {
  return { addresses: [...oracles], invite }
}

/**
 * The list with one more Oracle. One that is listed already keeps its place; the newer addresses and invitation count.
 * @throws {OracleListError} FULL
 */
export function withOracle(list: readonly OracleEntry[], entry: OracleEntry): OracleEntry[] {
  const peer = peerIdOf(entry)
  const at = list.findIndex((listed) => peerIdOf(listed) === peer)
  const before = list[at]
  if (before) {
    const addresses = [...new Set([...entry.addresses, ...before.addresses])].slice(0, LIMITS.offerAddresses)
    return list.with(at, { addresses, invite: entry.invite ?? before.invite })
  }
  if (list.length >= MOST_ORACLES)
    throw new OracleListError('FULL', `the list holds at most ${MOST_ORACLES} Oracles: remove one first`)
  return [...list, entry]
}

export function withoutOracle(list: readonly OracleEntry[], peer: string): OracleEntry[] {
  return list.filter((entry) => peerIdOf(entry) !== peer)
}

/** The peer id at the end of an entry's addresses; the address itself where a stored one is damaged. */
export function peerIdOf({ addresses }: OracleEntry): string {
  const address = addresses[0] ?? ''
  return /\/p2p\/([^/]+)$/.exec(address)?.[1] ?? address
}

/** Each kind of transport once, in the order of the addresses. */
export function transportsOf({ addresses }: OracleEntry): Transport[] {
  return [...new Set(addresses.map(safeTransport))]
}

function safeTransport(address: string): Transport {
  try {
    return transportOf(multiaddr(address))
  } catch {
    return 'other'
  }
}
