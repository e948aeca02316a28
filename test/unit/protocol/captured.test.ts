import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import {
  encodeFrame,
  type OracleFrame,
  parseOracleFrame,
  parseScoutFrame,
  type ScoutFrame,
} from '../../../shared/protocol/frames.ts'
import { fromHex, toHex } from '../../../shared/protocol/hex.ts'
import { parseOffer } from '../../../shared/protocol/offers.ts'
import { openResult } from '../../../shared/protocol/results.ts'

/** Bytes as version 1 wrote them. They must decode for ever: never regenerate this file, add a new one beside it. */
const captured = JSON.parse(
  readFileSync(new URL('../../fixtures/protocol/v1.json', import.meta.url), 'utf8'),
) as {
  vocabSize: number
  scout: { name: string; bytes: string; value: unknown }[]
  oracle: { name: string; bytes: string; value: unknown }[]
  offer: { bytes: string; value: unknown }
  result: { bytes: string; value: unknown }
}

/** As JSON has it: bytes in hex. */
const plain = (value: unknown) =>
  JSON.parse(JSON.stringify(value, (_key, one) => (one instanceof Uint8Array ? toHex(one) : one)))

/** Field 100 with a string, field 101 with a number: what a later version may add. */
const FUTURE = fromHex('a206036e6577a80605')

const later = (bytes: Uint8Array) => Uint8Array.from([...bytes, ...FUTURE])

describe('bytes captured from version 1', () => {
  it('holds every message', () => {
    expect(captured.scout.map(({ name }) => name)).toEqual(['claim', 'claim-uninvited', 'give-back', 'draft'])
    expect(captured.oracle.map(({ name }) => name)).toEqual([
      'welcome',
      'refuse',
      'assign',
      'verified',
      'done',
    ])
  })

  it.each(captured.scout)('Scout: $name', ({ bytes, value }) => {
    const frame = parseScoutFrame(fromHex(bytes), captured.vocabSize)
    expect(plain(frame)).toEqual(value)
    expect(toHex(encodeFrame(frame as ScoutFrame))).toBe(bytes)
    expect(plain(parseScoutFrame(later(fromHex(bytes)), captured.vocabSize))).toEqual(value)
  })

  it.each(captured.oracle)('Oracle: $name', ({ bytes, value }) => {
    const frame = parseOracleFrame(fromHex(bytes), captured.vocabSize)
    expect(plain(frame)).toEqual(value)
    expect(toHex(encodeFrame(frame as OracleFrame))).toBe(bytes)
    expect(plain(parseOracleFrame(later(fromHex(bytes)), captured.vocabSize))).toEqual(value)
  })

  it('Offer', () => {
    expect(parseOffer(fromHex(captured.offer.bytes))).toEqual(captured.offer.value)
    expect(parseOffer(later(fromHex(captured.offer.bytes)))).toEqual(captured.offer.value)
  })

  it('Result, signature included', async () => {
    expect(await openResult(fromHex(captured.result.bytes))).toEqual(captured.result.value)
    expect(await openResult(later(fromHex(captured.result.bytes)))).toEqual(captured.result.value)
  })

  it('a frame with nothing but an unknown message is skipped', () => {
    expect(parseScoutFrame(FUTURE, captured.vocabSize)).toBeNull()
    expect(parseOracleFrame(FUTURE, captured.vocabSize)).toBeNull()
    expect(parseScoutFrame(new Uint8Array(0), captured.vocabSize)).toBeNull()
  })
})

describe('what version 1 has gained since', () => {
  it('Verified: the assignment’s account so far, which may not have more accepted than drafted', () => {
    const verified = {
      type: 'verified',
      assignment: 7,
      frame: { epoch: 2, position: 12, tokens: [4, 5] },
    } as const
    const account = { drafted: 9, accepted: 5 }
    const bytes = encodeFrame({ ...verified, frame: { ...verified.frame, account } })
    expect(toHex(bytes)).toBe('320e0807100218 0c20042005280930 05'.replaceAll(' ', ''))
    expect(parseOracleFrame(bytes, 100)).toEqual({ ...verified, frame: { ...verified.frame, account } })
    const false_ = encodeFrame({
      ...verified,
      frame: { ...verified.frame, account: { drafted: 1, accepted: 2 } },
    })
    expect(() => parseOracleFrame(false_, 100)).toThrow(expect.objectContaining({ code: 'RANGE' }))
  })
})
