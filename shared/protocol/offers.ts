import { bytes, decode, integer, peerId, printable, real } from './checks.ts'
import { fromHex, toHex } from './hex.ts'
import { LIMITS } from './limits.ts'
import { Offer as OfferMessage } from './messages.ts'

/** An Oracle's pool is short: what it says on topic `shard-work`. Bytes are hex. */
export interface Offer {
  readonly job: string
  /** Peer id. */
  readonly oracle: string
  /** Multiaddrs as text, not yet parsed: the reader drops those that it cannot dial. */
  readonly addresses: readonly string[]
  readonly targetModel: string
  readonly draftModel: string
  readonly tokenizerHash: string
  readonly contextLength: number
  readonly expectedTokens: number
  readonly deadlineMs: number
  /** 0–1. */
  readonly leastReputation: number
  readonly wanted: number
  readonly listeners: number
}

/** @throws {ProtocolError} */
export function parseOffer(data: Uint8Array): Offer {
  integer('an Offer’s size', data.byteLength, 1, LIMITS.topicMessageBytes)
  const offer = decode('Offer', () =>
    OfferMessage.decode(data, { limits: { addresses: LIMITS.offerAddresses } }),
  )
  return {
    job: toHex(bytes('job', offer.job, LIMITS.jobBytes, LIMITS.jobBytes)),
    oracle: peerId('oracle', offer.oracle),
    addresses: offer.addresses.map((address) => printable('address', address, LIMITS.addressBytes)),
    targetModel: printable('target_model', offer.targetModel, LIMITS.nameBytes),
    draftModel: printable('draft_model', offer.draftModel, LIMITS.nameBytes),
    tokenizerHash: toHex(bytes('tokenizer_hash', offer.tokenizerHash, LIMITS.hashBytes, LIMITS.hashBytes)),
    contextLength: integer('context_length', offer.contextLength, 1, LIMITS.contextTokens),
    expectedTokens: integer('expected_tokens', offer.expectedTokens, 0, LIMITS.contextTokens),
    deadlineMs: integer('deadline_ms', offer.deadlineMs, 1, LIMITS.offerDeadlineMs),
    leastReputation: real('least_reputation', offer.leastReputation, 0, 1),
    wanted: integer('wanted', offer.wanted, 1, LIMITS.wanted),
    listeners: integer('listeners', offer.listeners, 0, 0xffff_ffff),
  }
}

export function encodeOffer(offer: Offer): Uint8Array {
  return OfferMessage.encode({
    ...offer,
    job: fromHex(offer.job),
    tokenizerHash: fromHex(offer.tokenizerHash),
    addresses: [...offer.addresses],
  })
}
