import type { PrivateKey } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import { bytes, count, decode, integer, peerId, printable } from './checks.ts'
import { fromHex, toHex } from './hex.ts'
import { LIMITS } from './limits.ts'
import { Result as ResultMessage, SignedResult as SignedResultMessage } from './messages.ts'
import { ProtocolError } from './protocol-error.ts'

/** An Oracle's account of one assignment; public on topic `shard-work-result`, and the Scout's receipt. */
export interface WorkResult {
  /** Hex; the Offer that led to it, or random bytes. */
  readonly job: string
  /** Peer ids. */
  readonly oracle: string
  readonly scout: string
  readonly drafted: number
  readonly accepted: number
  readonly milliseconds: number
  readonly credits: number
  readonly draftModel: string
  readonly counter: number
  /** Unix time, ms. */
  readonly issuedMs: number
}

/** Keeps these signatures apart from everything else that the same key signs. */
const DOMAIN = new TextEncoder().encode('shard-result-v1\0')

/** @returns bytes of a SignedResult */
export async function signResult(result: WorkResult, key: PrivateKey): Promise<Uint8Array<ArrayBuffer>> {
  const payload = ResultMessage.encode({
    ...result,
    job: fromHex(result.job),
    credits: BigInt(result.credits),
    counter: BigInt(result.counter),
    issuedMs: BigInt(result.issuedMs),
  })
  return SignedResultMessage.encode({
    result: payload,
    signature: new Uint8Array(await key.sign(signedBytes(payload))),
  })
}

/** Parses a SignedResult and checks that the Oracle it names signed it. @throws {ProtocolError} */
export async function openResult(data: Uint8Array): Promise<WorkResult> {
  integer('a Result’s size', data.byteLength, 1, LIMITS.topicMessageBytes)
  const signed = decode('SignedResult', () => SignedResultMessage.decode(data))
  const message = decode('Result', () => ResultMessage.decode(signed.result))
  const result: WorkResult = {
    job: toHex(bytes('job', message.job, LIMITS.jobBytes, LIMITS.jobBytes)),
    oracle: peerId('oracle', message.oracle),
    scout: peerId('scout', message.scout),
    drafted: message.drafted,
    accepted: integer('accepted', message.accepted, 0, message.drafted),
    milliseconds: message.milliseconds,
    credits: count('credits', message.credits),
    draftModel: printable('draft_model', message.draftModel, LIMITS.nameBytes),
    counter: count('counter', message.counter),
    issuedMs: count('issued_ms', message.issuedMs),
  }
  // Ed25519 and secp256k1 peer ids hold their public key; one that does not cannot be checked, so it is not taken.
  const oracle = peerIdFromString(result.oracle)
  const genuine =
    oracle.publicKey && (await oracle.publicKey.verify(signedBytes(signed.result), signed.signature))
  if (!genuine) throw new ProtocolError('SIGNATURE', 'a Result not signed by the Oracle that it names')
  return result
}

function signedBytes(payload: Uint8Array): Uint8Array {
  const out = new Uint8Array(DOMAIN.byteLength + payload.byteLength)
  out.set(DOMAIN)
  out.set(payload, DOMAIN.byteLength)
  return out
}
