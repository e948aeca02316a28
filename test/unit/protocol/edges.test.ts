import { generateKeyPairFromSeed } from '@libp2p/crypto/keys'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Assignment } from '../../../shared/drafter/draft-worker.ts'
import { FrameReader, withLength } from '../../../shared/protocol/frame-reader.ts'
import { encodeFrame, parseOracleFrame, parseScoutFrame } from '../../../shared/protocol/frames.ts'
import { fromHex, toHex } from '../../../shared/protocol/hex.ts'
import { LIMITS } from '../../../shared/protocol/limits.ts'
import { Frame, Offer, Result, SignedResult } from '../../../shared/protocol/messages.ts'
import { encodeOffer, parseOffer } from '../../../shared/protocol/offers.ts'
import { ProtocolError, type ProtocolErrorCode } from '../../../shared/protocol/protocol-error.ts'
import { openResult, signResult } from '../../../shared/protocol/results.ts'

const VOCAB = 4096
const token = fc.integer({ min: 0, max: VOCAB - 1 })
const uint32 = fc.integer({ min: 0, max: 0xffff_ffff })
const id = fc.integer({ min: 1, max: 0xffff_ffff })
const tokens = (maxLength: number) => fc.array(token, { minLength: 1, maxLength })
const hex = (bytes: number) => fc.uint8Array({ minLength: bytes, maxLength: bytes }).map(toHex)
const name = fc.string({ unit: 'grapheme-ascii', minLength: 1, maxLength: LIMITS.nameBytes })

const run = (most: number) =>
  fc.record({
    epoch: uint32,
    position: fc.integer({ min: 1, max: LIMITS.contextTokens }),
    tokens: tokens(most),
  })

const claim = fc.record({
  draftModel: name,
  tokenizerHash: hex(32),
  capacity: fc.integer({ min: 1, max: LIMITS.capacity }),
  speed: fc.double({ min: 0, max: LIMITS.speed, noNaN: true }).map((speed) => speed || 0),
  job: fc.option(hex(16)),
  contextLength: fc.integer({ min: 1, max: 0xffff_ffff }),
})

const positive = (min: number, max: number) => fc.double({ min, max, noNaN: true }).map((value) => value || 0)

const assignment: fc.Arbitrary<Assignment> = fc
  .record({
    id,
    context: tokens(300),
    settings: fc.record({
      temperature: positive(0, 100),
      topK: fc.integer({ min: 0, max: VOCAB }),
      topP: positive(0, 1),
      minP: positive(0, 1),
      repetitionPenalty: positive(0.001, 1000),
      frequencyPenalty: positive(-1000, 1000),
      presencePenalty: positive(-1000, 1000),
      logitBias: fc.array(fc.tuple(token, positive(-1000, 1000)), { maxLength: 5 }),
    }),
    key: fc.record({ lo: uint32, hi: uint32 }),
    window: fc.integer({ min: 1, max: LIMITS.windowTokens }),
    stopTokens: fc.array(token, { maxLength: 4 }),
    more: fc.nat(1000),
    prompt: fc.nat(299),
  })
  .map(({ more, prompt, ...rest }) => ({
    ...rest,
    promptLength: 1 + (prompt % rest.context.length),
    endPosition: rest.context.length + more,
  }))

function codeOf(parse: () => unknown): ProtocolErrorCode | 'none' {
  try {
    parse()
    return 'none'
  } catch (error) {
    // Anything else would be a bug at the edge.
    expect(error).toBeInstanceOf(ProtocolError)
    return (error as ProtocolError).code
  }
}

describe('frames', () => {
  it('every Scout frame within the limits comes back as it was, and fits', () => {
    const frame = fc.oneof(
      claim.map((one) => ({ type: 'claim' as const, claim: one })),
      fc.record({ type: fc.constant('draft' as const), assignment: id, frame: run(LIMITS.windowTokens) }),
      fc.record({ type: fc.constant('refuse' as const), assignment: uint32, reason: fc.constant('busy') }),
    )
    fc.assert(
      fc.property(frame, (one) => {
        const bytes = encodeFrame(one)
        expect(bytes.byteLength).toBeLessThanOrEqual(LIMITS.scoutFrameBytes)
        expect(parseScoutFrame(bytes, VOCAB)).toEqual(one)
      }),
    )
  })

  it('every Oracle frame within the limits comes back as it was', () => {
    const frame = fc.oneof(
      assignment.map((one) => ({ type: 'assign' as const, assignment: one })),
      fc.record({ type: fc.constant('verified' as const), assignment: id, frame: run(200) }),
      name.map((targetModel) => ({ type: 'welcome' as const, targetModel })),
    )
    fc.assert(
      fc.property(frame, (one) => {
        expect(parseOracleFrame(encodeFrame(one), VOCAB)).toEqual(one)
      }),
    )
  })

  it('the largest assignment fits the Oracle’s frame', () => {
    const largest: Assignment = {
      id: 0xffff_ffff,
      context: new Array(LIMITS.contextTokens).fill(128_255),
      promptLength: LIMITS.contextTokens,
      settings: {
        temperature: 1,
        topK: 1,
        topP: 0.5,
        minP: 0.5,
        repetitionPenalty: 1.5,
        frequencyPenalty: 1,
        presencePenalty: 1,
        logitBias: new Array(LIMITS.logitBiases).fill([128_255, -100]),
      },
      key: { lo: 0xffff_ffff, hi: 0xffff_ffff },
      window: LIMITS.windowTokens,
      endPosition: LIMITS.contextTokens,
      stopTokens: new Array(LIMITS.stopTokens).fill(128_255),
    }
    const bytes = encodeFrame({ type: 'assign', assignment: largest })
    expect(bytes.byteLength).toBeLessThanOrEqual(LIMITS.oracleFrameBytes)
    expect(parseOracleFrame(bytes, 128_256)).toEqual({ type: 'assign', assignment: largest })
  })

  it('garbage gives a ProtocolError or is skipped, never anything else', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => {
        codeOf(() => parseScoutFrame(bytes, VOCAB))
        codeOf(() => parseOracleFrame(bytes, VOCAB))
        codeOf(() => parseOffer(bytes))
      }),
      { numRuns: 2000 },
    )
  })

  it('damaged frames give a ProtocolError or something within the limits', () => {
    fc.assert(
      fc.property(assignment, fc.nat(), fc.nat(255), (one, at, byte) => {
        const bytes = encodeFrame({ type: 'assign', assignment: one })
        bytes[at % bytes.byteLength] = byte
        let frame: ReturnType<typeof parseOracleFrame> = null
        codeOf(() => {
          frame = parseOracleFrame(bytes, VOCAB)
        })
        const parsed = frame as ReturnType<typeof parseOracleFrame>
        if (parsed?.type !== 'assign') return
        expect(parsed.assignment.context.every((token) => token < VOCAB)).toBe(true)
        expect(parsed.assignment.window).toBeLessThanOrEqual(LIMITS.windowTokens)
        expect(parsed.assignment.endPosition).toBeGreaterThanOrEqual(parsed.assignment.context.length)
      }),
      { numRuns: 500 },
    )
  })

  const draft = { assignment: 1, epoch: 0, position: 5, tokens: [1] }
  const good = {
    draftModel: 'm',
    tokenizerHash: new Uint8Array(32),
    capacity: 1,
    speed: 0,
    job: new Uint8Array(0),
    contextLength: 100,
  }
  it.each<[string, Frame, ProtocolErrorCode]>([
    ['a token outside the vocabulary', { draft: { ...draft, tokens: [VOCAB] } }, 'RANGE'],
    ['more tokens than a window', { draft: { ...draft, tokens: new Array(65).fill(1) } }, 'DECODE'],
    ['no tokens', { draft: { ...draft, tokens: [] } }, 'RANGE'],
    ['a position far away', { draft: { ...draft, position: LIMITS.contextTokens + 1 } }, 'RANGE'],
    ['position 0', { draft: { ...draft, position: 0 } }, 'RANGE'],
    ['assignment 0', { draft: { ...draft, assignment: 0 } }, 'RANGE'],
    ['two messages in a frame', { draft, claim: good }, 'AMBIGUOUS'],
    ['what only an Oracle says', { welcome: { targetModel: 'x' } }, 'ORDER'],
    ['capacity 0', { claim: { ...good, capacity: 0 } }, 'RANGE'],
    ['capacity without bound', { claim: { ...good, capacity: 0xffff_ffff } }, 'RANGE'],
    ['a hash of another length', { claim: { ...good, tokenizerHash: new Uint8Array(31) } }, 'RANGE'],
    ['speed NaN', { claim: { ...good, speed: Number.NaN } }, 'RANGE'],
    ['speed infinite', { claim: { ...good, speed: Number.POSITIVE_INFINITY } }, 'RANGE'],
    ['negative speed', { claim: { ...good, speed: -1 } }, 'RANGE'],
    ['a name with a line break', { claim: { ...good, draftModel: 'a\nb' } }, 'TEXT'],
    ['a name with an escape', { claim: { ...good, draftModel: '\x1b[2J' } }, 'TEXT'],
    ['no name', { claim: { ...good, draftModel: '' } }, 'RANGE'],
    ['a name too long', { claim: { ...good, draftModel: 'x'.repeat(129) } }, 'RANGE'],
    ['a job of another length', { claim: { ...good, job: new Uint8Array(3) } }, 'RANGE'],
  ])('a Scout’s %s is refused', (_name, frame, code) => {
    expect(codeOf(() => parseScoutFrame(Frame.encode(frame), VOCAB))).toBe(code)
  })

  const settings = {
    temperature: 1,
    topK: 0,
    topP: 1,
    minP: 0,
    repetitionPenalty: 1,
    frequencyPenalty: 0,
    presencePenalty: 0,
    logitBias: [] as { id: number; bias: number }[],
  }
  const assign = {
    assignment: 1,
    context: [1, 2],
    promptLength: 2,
    settings,
    keyLo: 0,
    keyHi: 0,
    window: 4,
    endPosition: 10,
    stopTokens: [],
  }
  const { settings: _, ...unset } = assign
  it.each<[string, Frame, ProtocolErrorCode]>([
    ['empty context', { assign: { ...assign, context: [] } }, 'RANGE'],
    ['prompt longer than its context', { assign: { ...assign, promptLength: 3 } }, 'RANGE'],
    ['endless end', { assign: { ...assign, endPosition: 0xffff_ffff } }, 'RANGE'],
    ['end before the context’s', { assign: { ...assign, endPosition: 1 } }, 'RANGE'],
    ['endless window', { assign: { ...assign, window: 65 } }, 'RANGE'],
    ['negative temperature', { assign: { ...assign, settings: { ...settings, temperature: -1 } } }, 'RANGE'],
    [
      'NaN among the settings',
      { assign: { ...assign, settings: { ...settings, topP: Number.NaN } } },
      'RANGE',
    ],
    [
      'bias for no token',
      { assign: { ...assign, settings: { ...settings, logitBias: [{ id: VOCAB, bias: 1 }] } } },
      'RANGE',
    ],
    ['missing settings', { assign: unset }, 'DECODE'],
    [
      'more accepted than drafted',
      {
        done: {
          assignment: 1,
          reason: 'finished',
          drafted: 1,
          accepted: 2,
          milliseconds: 0,
          receipt: new Uint8Array(0),
        },
      },
      'RANGE',
    ],
    [
      'unknown reason',
      {
        done: {
          assignment: 1,
          reason: 'because',
          drafted: 1,
          accepted: 1,
          milliseconds: 0,
          receipt: new Uint8Array(0),
        },
      },
      'RANGE',
    ],
  ])('an Oracle’s %s is refused', (_name, frame, code) => {
    expect(codeOf(() => parseOracleFrame(Frame.encode(frame), VOCAB))).toBe(code)
  })
})

describe('FrameReader', () => {
  const frames = fc.array(fc.uint8Array({ maxLength: 700 }), { minLength: 1, maxLength: 8 })

  it('gives the same frames however the stream is cut', () => {
    fc.assert(
      fc.property(
        frames,
        fc.array(fc.integer({ min: 1, max: 900 }), { minLength: 1, maxLength: 20 }),
        (all, cuts) => {
          const stream = Uint8Array.from(all.flatMap((frame) => [...withLength(frame)]))
          const reader = new FrameReader(1024, 2)
          const got: Uint8Array[] = []
          for (let at = 0, i = 0; at < stream.length; i++) {
            const end = at + (cuts[i % cuts.length] as number)
            got.push(...reader.push(stream.subarray(at, end)))
            at = end
          }
          expect(got).toEqual(all)
          expect(reader.partial).toBe(false)
        },
      ),
    )
  })

  it('refuses a length past the limit before any of the frame has come', () => {
    const read = (bytes: number[]) => codeOf(() => [...new FrameReader(1024, 3).push(Uint8Array.from(bytes))])
    expect(read([0x81, 0x08])).toBe('FRAME_LENGTH') // 1,025
    expect(read([0x80, 0x08])).toBe('none') // 1,024
    expect(read([0xff, 0xff, 0xff])).toBe('FRAME_LENGTH')
    expect(read([0x80, 0x80, 0x80, 0x80])).toBe('FRAME_LENGTH')
  })

  it('knows when a frame has begun', () => {
    const reader = new FrameReader(1024, 2)
    expect([...reader.push(Uint8Array.from([3, 1, 2]))]).toEqual([])
    expect(reader.partial).toBe(true)
    expect([...reader.push(Uint8Array.from([3]))]).toEqual([Uint8Array.from([1, 2, 3])])
    expect(reader.partial).toBe(false)
  })
})

describe('offers', async () => {
  const oracle = peerIdFromPrivateKey(await generateKeyPairFromSeed('Ed25519', new Uint8Array(32))).toString()
  const offer = {
    job: '00'.repeat(16),
    oracle,
    addresses: [`/ip4/127.0.0.1/tcp/1/p2p/${oracle}`],
    targetModel: 't',
    draftModel: 'd',
    tokenizerHash: '11'.repeat(32),
    contextLength: 256,
    expectedTokens: 64,
    deadlineMs: 30_000,
    leastReputation: 0,
    wanted: 1,
    listeners: 3,
  }

  it('comes back as it was', () => expect(parseOffer(encodeOffer(offer))).toEqual(offer))

  it.each([
    ['a deadline past 30 s', { deadlineMs: 30_001 }],
    ['no deadline', { deadlineMs: 0 }],
    ['nobody wanted', { wanted: 0 }],
    ['everybody wanted', { wanted: 65 }],
    ['a context without end', { contextLength: 2 ** 31 }],
    ['reputation above 1', { leastReputation: 1.5 }],
    ['a peer id that is none', { oracle: 'nobody' }],
    ['an address of a kilobyte', { addresses: ['/'.repeat(1000)] }],
    ['nine addresses', { addresses: new Array(9).fill('/ip4/1.1.1.1/tcp/1') }],
  ])('%s is refused', (_name, change) => {
    expect(['RANGE', 'DECODE', 'TEXT']).toContain(
      codeOf(() => parseOffer(encodeOffer({ ...offer, ...change }))),
    )
  })

  it('an Offer larger than a topic message is refused before it is decoded', () => {
    const bytes = Offer.encode({ targetModel: 'x'.repeat(4000) })
    expect(codeOf(() => parseOffer(bytes))).toBe('RANGE')
  })
})

describe('results', async () => {
  const key = await generateKeyPairFromSeed('Ed25519', new Uint8Array(32).fill(3))
  const other = await generateKeyPairFromSeed('Ed25519', new Uint8Array(32).fill(4))
  const result = {
    job: '22'.repeat(16),
    oracle: peerIdFromPrivateKey(key).toString(),
    scout: peerIdFromPrivateKey(other).toString(),
    drafted: 10,
    accepted: 7,
    milliseconds: 100,
    credits: 0,
    draftModel: 'd',
    counter: 1,
    issuedMs: 1_795_478_400_000,
  }
  const failure = async (data: Uint8Array) =>
    openResult(data).then(
      () => 'none',
      (error: ProtocolError) => error.code,
    )

  it('opens what its Oracle signed', async () => {
    expect(await openResult(await signResult(result, key))).toEqual(result)
  })

  it('refuses another’s signature', async () => {
    expect(await failure(await signResult(result, other))).toBe('SIGNATURE')
  })

  it('refuses a result changed after signing, and a signature for another purpose', async () => {
    const signed = SignedResult.decode(await signResult(result, key))
    const better = Result.encode({ ...Result.decode(signed.result), accepted: 10 })
    expect(await failure(SignedResult.encode({ ...signed, result: better }))).toBe('SIGNATURE')
    const bare = new Uint8Array(await key.sign(signed.result))
    expect(await failure(SignedResult.encode({ ...signed, signature: bare }))).toBe('SIGNATURE')
  })

  it('refuses garbage', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), async (bytes) => {
        expect(await failure(bytes)).not.toBe('none')
      }),
    )
  })

  it('hex comes back as it was', () => {
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        expect(fromHex(toHex(bytes))).toEqual(bytes)
      }),
    )
    expect(() => fromHex('0')).toThrow(RangeError)
    expect(() => fromHex('zz')).toThrow(RangeError)
  })
})
