import { multiaddr } from '@multiformats/multiaddr'
import { LIMITS } from './limits.ts'
import { peerIdAtEnd } from './peer-address.ts'

/** Where an Oracle is, and the invitation that makes a device its owner's own. */
export interface JoinLink {
  /** Multiaddrs of one Oracle, each ending in its /p2p/PEERID. */
  readonly oracles: readonly string[]
  /** 16 bytes, hex; null: no invitation, only where it is. */
  readonly invite: string | null
}

/** Why a text is no way to an Oracle; the message says what to paste instead. */
export class JoinLinkError extends Error {
  override readonly name = 'JoinLinkError'
  readonly code: 'EMPTY' | 'FORM' | 'ADDRESS' | 'NO_PEER_ID' | 'SEVERAL_ORACLES' | 'INVITE'

  constructor(code: JoinLinkError['code'], message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}

const PREFIX = 'shard:join?'

export function formatJoinLink({ oracles, invite }: JoinLink): string {
  const query = new URLSearchParams(oracles.map((address) => ['oracle', address]))
  if (invite !== null) query.set('invite', invite)
  // Slashes are legal in a query and keep the link readable.
  return PREFIX + query.toString().replaceAll('%2F', '/')
}

/**
 * Reads what a person pastes: a join link, or one multiaddr.
 * @throws {JoinLinkError}
 */
export function parseJoinLink(pasted: string): JoinLink {
  const text = pasted.trim()
  if (text === '')
    throw new JoinLinkError('EMPTY', 'paste a join link (shard:join?…) or a multiaddr (/ip4/…)')
  if (text.startsWith('/')) return { oracles: [checkedAddress(text)], invite: null }
  if (!text.startsWith(PREFIX))
    throw new JoinLinkError('FORM', 'this is neither a join link (shard:join?…) nor a multiaddr (/ip4/…)')
  const query = new URLSearchParams(text.slice(PREFIX.length))
  const oracles = query.getAll('oracle').slice(0, LIMITS.offerAddresses).map(checkedAddress)
  if (oracles.length === 0) throw new JoinLinkError('FORM', 'this join link names no Oracle')
  if (new Set(oracles.map(peerIdAtEnd)).size > 1)
    throw new JoinLinkError('SEVERAL_ORACLES', 'this join link leads to several Oracles; add them one by one')
  const invite = query.get('invite')
  if (invite !== null && !/^[0-9a-f]{32}$/.test(invite))
    throw new JoinLinkError('INVITE', 'the invitation in this link is damaged: copy the whole link again')
  return { oracles, invite }
}

function checkedAddress(text: string): string {
  if (text.length > LIMITS.addressBytes) throw new JoinLinkError('ADDRESS', 'this address is too long')
  let normal: string
  try {
    normal = multiaddr(text).toString()
  } catch (cause) {
    throw new JoinLinkError(
      'ADDRESS',
      `${text} is no multiaddr such as /ip4/192.168.1.20/tcp/4101/ws/p2p/…`,
      {
        cause,
      },
    )
  }
  if (peerIdAtEnd(normal) === null)
    throw new JoinLinkError('NO_PEER_ID', 'the address must end in /p2p/ and the peer id of the Oracle')
  return normal
}
