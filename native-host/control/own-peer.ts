import { peerIdFromString } from '@libp2p/peer-id'
import { ShardError } from '../daemon/shard-error.ts'

/** A peer id that a bridge handed over to be paired. @throws {ShardError} BAD_PEER_ID */
export function ownPeer(text: string): string {
  try {
    return peerIdFromString(text).toString()
  } catch (cause) {
    throw new ShardError('BAD_PEER_ID', `${JSON.stringify(text)} is no peer id: send the Scout's own`, {
      cause,
    })
  }
}
