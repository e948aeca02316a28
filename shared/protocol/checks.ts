import { peerIdFromString } from '@libp2p/peer-id'
import { LIMITS } from './limits.ts'
import { ProtocolError } from './protocol-error.ts'

/** An integer in [least, most]. */
export function integer(name: string, value: number, least: number, most: number): number {
  if (!Number.isInteger(value) || value < least || value > most) {
    throw new ProtocolError('RANGE', `${name} is ${value}, expected an integer from ${least} to ${most}`)
  }
  return value
}

/** A finite number in [least, most]. */
export function real(name: string, value: number, least: number, most: number): number {
  if (!(value >= least && value <= most)) {
    throw new ProtocolError('RANGE', `${name} is ${value}, expected a number from ${least} to ${most}`)
  }
  return value
}

/** A 64-bit count that must fit a double exactly. */
export function count(name: string, value: bigint): number {
  if (value < 0n || value > BigInt(Number.MAX_SAFE_INTEGER)) {
    throw new ProtocolError('RANGE', `${name} is ${value}, expected at most 2^53 − 1`)
  }
  return Number(value)
}

/** Bytes whose number lies in [least, most]; copied, so that the frame's buffer is not kept alive. */
export function bytes(name: string, value: Uint8Array, least: number, most: number): Uint8Array<ArrayBuffer> {
  if (value.byteLength < least || value.byteLength > most) {
    throw new ProtocolError('RANGE', `${name} has ${value.byteLength} bytes, expected ${least} to ${most}`)
  }
  return new Uint8Array(value)
}

/** A name: 1 … most bytes of printable ASCII, since it goes into logs, metrics and pages. */
export function printable(name: string, value: string, most: number): string {
  if (value.length < 1 || value.length > most) {
    throw new ProtocolError('RANGE', `${name} has ${value.length} characters, expected 1 to ${most}`)
  }
  if (!/^[\x20-\x7e]+$/.test(value)) {
    throw new ProtocolError('TEXT', `${name} holds characters outside printable ASCII`)
  }
  return value
}

/** Text for people or a model: any characters, between `least` and `most` UTF-16 units. */
export function text(name: string, value: string, least: number, most: number): string {
  if (value.length < least || value.length > most) {
    throw new ProtocolError('RANGE', `${name} has ${value.length} characters, expected ${least} to ${most}`)
  }
  return value
}

/** A peer id in its usual text form, as `PeerId.toString()` writes it. */
export function peerId(name: string, value: string): string {
  const text = printable(name, value, LIMITS.peerIdBytes)
  if (decode(name, () => peerIdFromString(text)).toString() !== text) {
    throw new ProtocolError('TEXT', `${name} is not in the usual form of a peer id`)
  }
  return text
}

/** Token ids, each below `vocabSize`, between `least` and `most` of them. */
export function tokenIds(
  name: string,
  value: readonly number[],
  least: number,
  most: number,
  vocabSize: number,
): readonly number[] {
  if (value.length < least || value.length > most) {
    throw new ProtocolError('RANGE', `${name} holds ${value.length} tokens, expected ${least} to ${most}`)
  }
  for (const id of value) {
    if (!(id >= 0 && id < vocabSize)) {
      throw new ProtocolError('RANGE', `${name} holds id ${id}, the vocabulary has ${vocabSize}`)
    }
  }
  return value
}

/** Decodes, turning whatever a decoder throws on garbage into a ProtocolError. */
export function decode<T>(name: string, read: () => T): T {
  try {
    return read()
  } catch (cause) {
    throw new ProtocolError('DECODE', `not a ${name}: ${cause instanceof Error ? cause.message : cause}`, {
      cause,
    })
  }
}

/** A frame holds one message, or none that this version knows. @throws {ProtocolError} AMBIGUOUS */
export function oneMessage<F extends object>(frame: F): F {
  if (Object.values(frame).filter((value) => value !== undefined).length > 1) {
    throw new ProtocolError('AMBIGUOUS', 'a frame holds more than one message')
  }
  return frame
}

/** Nothing of it is known to this version: a later one's message. */
export function isUnknown(frame: object): boolean {
  return Object.values(frame).every((value) => value === undefined)
}
