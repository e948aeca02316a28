import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { encodeFrame, FrameError, FrameReader } from '../../../native-host/bridge/frames.ts'

const LIMIT = 4096

/** The bytes, cut at these places. */
function cut(bytes: Uint8Array, places: readonly number[]): Uint8Array[] {
  const at = [...new Set(places.map((place) => place % (bytes.length + 1)))].sort((a, b) => a - b)
  return [0, ...at].map((from, i) => bytes.subarray(from, at[i] ?? bytes.length))
}

function read(chunks: readonly Uint8Array[]): { bodies: string[]; lost: string | null } {
  const reader = new FrameReader(LIMIT)
  const bodies: string[] = []
  try {
    for (const chunk of chunks) for (const body of reader.push(chunk)) bodies.push(body.toString('utf8'))
    reader.end()
    return { bodies, lost: null }
  } catch (error) {
    if (!(error instanceof FrameError)) throw error
    return { bodies, lost: error.code }
  }
}

function header(length: number): Uint8Array {
  return new Uint8Array(new Uint32Array([length]).buffer)
}

const messages = fc.array(fc.dictionary(fc.string({ maxLength: 20 }), fc.jsonValue(), { maxKeys: 3 }), {
  maxLength: 8,
})
const places = fc.array(fc.nat(), { maxLength: 40 })

describe('frames', () => {
  it('come out as they went in, wherever the stream is cut', () => {
    fc.assert(
      fc.property(messages, places, (sent, where) => {
        const texts = sent.map((message) => JSON.stringify(message))
        fc.pre(texts.every((text) => Buffer.byteLength(text) <= LIMIT))
        const bytes = Buffer.concat(sent.map((message) => encodeFrame(message, LIMIT)))
        expect(read(cut(bytes, where))).toEqual({ bodies: texts, lost: null })
      }),
      { numRuns: 500 },
    )
  })

  it('come out one byte at a time', () => {
    const bytes = Buffer.concat([encodeFrame({ a: '✓' }, LIMIT), header(0), encodeFrame({}, LIMIT)])
    expect(read([...bytes].map((byte) => Uint8Array.of(byte)))).toEqual({
      bodies: ['{"a":"✓"}', '', '{}'],
      lost: null,
    })
  })

  it('of any other length are refused, without room being made for them', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: LIMIT + 1, max: 0xffff_ffff }),
        fc.uint8Array(),
        places,
        (length, rest, where) => {
          const good = encodeFrame({ good: true }, LIMIT)
          const bytes = Buffer.concat([good, header(length), rest])
          expect(read(cut(bytes, where))).toEqual({ bodies: ['{"good":true}'], lost: 'TOO_LARGE' })
        },
      ),
      { numRuns: 500 },
    )
    expect(read([Buffer.concat([header(LIMIT), Buffer.alloc(LIMIT, 'x')])]).bodies[0]).toHaveLength(LIMIT)
  })

  it('that end too soon are noticed, at every byte', () => {
    const bytes = encodeFrame({ text: 'abc' }, LIMIT)
    for (let length = 1; length < bytes.length; length++)
      expect(read([bytes.subarray(0, length)]), `${length}`).toEqual({ bodies: [], lost: 'TRUNCATED' })
    expect(read([])).toEqual({ bodies: [], lost: null })
  })

  it('never do anything else with random bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), places, (bytes, where) => {
        expect(read(cut(bytes, where))).toEqual(read([bytes]))
      }),
      { numRuns: 1000 },
    )
  })

  it('that browsers would not take are not written', () => {
    const text = 'x'.repeat(LIMIT)
    expect(() => encodeFrame({ text }, LIMIT)).toThrow(/4107 bytes.*4096/)
  })
})
