import { bytes, decode, oneMessage, printable } from './checks.ts'
import { fromHex, toHex } from './hex.ts'
import { LIMITS } from './limits.ts'
import { PairFrame } from './messages.ts'
import { ProtocolError } from './protocol-error.ts'

/** What a device with an invitation says; the invitation is hex. */
export interface PairRequest {
  readonly type: 'pair'
  readonly invite: string
}

export type PairAnswer = { readonly type: 'paired' } | { readonly type: 'refuse'; readonly reason: string }

/** Parses what a device sent; null for a message this version does not know. @throws {ProtocolError} */
export function parsePairRequest(data: Uint8Array): PairRequest | null {
  const { pair, paired, refuse } = oneMessage(decode('PairFrame', () => PairFrame.decode(data)))
  if (paired || refuse) throw new ProtocolError('ORDER', 'a device sent a message that only an Oracle sends')
  if (!pair) return null
  return { type: 'pair', invite: toHex(bytes('invite', pair.invite, LIMITS.inviteBytes, LIMITS.inviteBytes)) }
}

/** Parses what an Oracle sent; null for a message this version does not know. @throws {ProtocolError} */
export function parsePairAnswer(data: Uint8Array): PairAnswer | null {
  const { pair, paired, refuse } = oneMessage(decode('PairFrame', () => PairFrame.decode(data)))
  if (pair) throw new ProtocolError('ORDER', 'an Oracle sent a message that only a device sends')
  if (refuse) return { type: 'refuse', reason: printable('reason', refuse.reason, LIMITS.reasonBytes) }
  return paired ? { type: 'paired' } : null
}

/** Bytes of a frame, without its length prefix. */
export function encodePairFrame(frame: PairRequest | PairAnswer): Uint8Array {
  switch (frame.type) {
    case 'pair':
      return PairFrame.encode({ pair: { invite: fromHex(frame.invite) } })
    case 'paired':
      return PairFrame.encode({ paired: {} })
    case 'refuse':
      return PairFrame.encode({ refuse: { assignment: 0, reason: frame.reason } })
  }
}
