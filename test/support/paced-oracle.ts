import { type JoinLink, parseJoinLink } from '../../shared/protocol/join-link.ts'
import type { ShardProcess } from './shard-process.ts'

export type Oracle = ShardProcess & { readonly url: string }

/** Flags of an Oracle that takes every draft, slow enough for anybody to be of help. */
export const PACED = ['--pace', '60', '--scheduler-force-drafts']

export interface Peer {
  readonly peer_id: string
  readonly class: string
  readonly own: boolean
  readonly transports: readonly string[]
}

/** The join link that an Oracle prints when it is ready: good for one device. */
export async function joinLinkOf(oracle: ShardProcess): Promise<JoinLink> {
  const [, link] = await oracle.waitForLog(/(shard:join\?\S+)/)
  return parseJoinLink(link!)
}

/** Where it can be dialled, by these transports, in this order. */
export async function addressesOf({ url }: Oracle, ...transports: string[]): Promise<string[]> {
  const topology = await (await fetch(`${url}/v1/system/topology`)).json()
  const all = topology.addresses as { transport: string; multiaddr: string }[]
  return transports.flatMap((asked) =>
    all.flatMap(({ transport, multiaddr }) => (transport === asked ? [multiaddr] : [])),
  )
}

/** The Scout of this id in the Oracle's pool. */
export async function scoutAt({ url }: Oracle, peerId: string): Promise<Peer | undefined> {
  const { peers } = (await (await fetch(`${url}/v1/system/peers`)).json()) as { peers: Peer[] }
  return peers.find((peer) => peer.peer_id === peerId && peer.class === 'scout')
}
