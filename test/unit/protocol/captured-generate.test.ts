import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import {
  type AnswerFrame,
  encodeGenerateFrame,
  parseAnswer,
  parseQuestion,
  type QuestionFrame,
} from '../../../shared/protocol/generate-frames.ts'
import { fromHex, toHex } from '../../../shared/protocol/hex.ts'
import {
  encodePairFrame,
  type PairAnswer,
  type PairRequest,
  parsePairAnswer,
  parsePairRequest,
} from '../../../shared/protocol/pair-frames.ts'

interface Captured {
  readonly name: string
  readonly bytes: string
  readonly value: unknown
}

/** Bytes as version 1 wrote them. They must decode for ever: never regenerate this file, add a new one beside it. */
const captured = JSON.parse(
  readFileSync(new URL('../../fixtures/protocol/generate-pair-v1.json', import.meta.url), 'utf8'),
) as Record<'questions' | 'answers' | 'pair' | 'pairAnswers', Captured[]>

/** As JSON has it: 64-bit numbers as digits. */
const plain = (value: unknown) =>
  JSON.parse(JSON.stringify(value, (_key, one) => (typeof one === 'bigint' ? String(one) : one)))

/** Field 100 with a string, field 101 with a number: what a later version may add. */
const FUTURE = fromHex('a206036e6577a80605')
const later = (bytes: string) => Uint8Array.from([...fromHex(bytes), ...FUTURE])

const suites = [
  [
    'questions',
    parseQuestion,
    (frame: unknown) => encodeGenerateFrame(frame as QuestionFrame),
    ['request', 'request-plain', 'request-greedy', 'info-request'],
  ],
  [
    'answers',
    parseAnswer,
    (frame: unknown) => encodeGenerateFrame(frame as AnswerFrame),
    ['begin', 'tokens', 'finish', 'failure', 'failure-for-good', 'info', 'info-starting'],
  ],
  ['pair', parsePairRequest, (frame: unknown) => encodePairFrame(frame as PairRequest), ['pair']],
  [
    'pairAnswers',
    parsePairAnswer,
    (frame: unknown) => encodePairFrame(frame as PairAnswer),
    ['paired', 'refuse'],
  ],
] as const

describe.each(suites)('bytes captured from version 1 of %s', (suite, parse, encode, names) => {
  it('holds every message', () => {
    expect(captured[suite].map(({ name }) => name)).toEqual(names)
  })

  it.each(captured[suite])('$name', ({ bytes, value }) => {
    const frame = parse(fromHex(bytes))
    expect(plain(frame)).toEqual(value)
    expect(toHex(encode(frame))).toBe(bytes)
    expect(plain(parse(later(bytes)))).toEqual(value)
  })

  it('a frame with nothing but an unknown message is skipped', () => {
    expect(parse(FUTURE)).toBeNull()
    expect(parse(new Uint8Array(0))).toBeNull()
  })
})
