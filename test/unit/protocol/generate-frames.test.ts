import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { tokensFrames } from '../../../native-host/mesh/tokens-frames.ts'
import {
  type AnswerFrame,
  type AnswerPiece,
  encodeGenerateFrame,
  type GenerateRequest,
  parseAnswer,
  parseQuestion,
} from '../../../shared/protocol/generate-frames.ts'
import { toHex } from '../../../shared/protocol/hex.ts'
import { LIMITS } from '../../../shared/protocol/limits.ts'
import { GenerateFrame, PairFrame } from '../../../shared/protocol/messages.ts'
import { encodePairFrame, parsePairAnswer, parsePairRequest } from '../../../shared/protocol/pair-frames.ts'
import { ProtocolError, type ProtocolErrorCode } from '../../../shared/protocol/protocol-error.ts'

const uint32 = fc.integer({ min: 0, max: 0xffff_ffff })
const name = fc.string({ unit: 'grapheme-ascii', minLength: 1, maxLength: LIMITS.nameBytes })
const word = fc.string({ unit: 'grapheme-ascii', minLength: 1, maxLength: LIMITS.reasonBytes })
const text = (maxLength: number, minLength = 0) => fc.string({ unit: 'binary', minLength, maxLength })
const scope = fc.constantFrom('none' as const, 'own' as const, 'swarm' as const)
const real = (min: number, max: number) => fc.double({ min, max, noNaN: true }).map((value) => value || 0)
const seed = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })
/** Each key there or absent. */
const some = <T extends object>(keys: { [K in keyof T]: fc.Arbitrary<T[K]> }) =>
  fc.record(keys, { requiredKeys: [] }) as fc.Arbitrary<Partial<T>>

const sampling = some<NonNullable<GenerateRequest['sampling']>>({
  temperature: real(0, 100),
  topK: uint32,
  topP: real(0, 1),
  minP: real(0, 1),
  repetitionPenalty: real(0.001, 1000),
  frequencyPenalty: real(-1000, 1000),
  presencePenalty: real(-1000, 1000),
  logitBias: fc.array(fc.tuple(fc.nat(LIMITS.vocabulary - 1), real(-1000, 1000)), {
    minLength: 1,
    maxLength: 5,
  }),
} as never)

const request = fc
  .tuple(
    fc.array(
      fc.record({
        role: fc.constantFrom('system' as const, 'user' as const, 'assistant' as const),
        content: text(200),
      }),
      { minLength: 1, maxLength: 8 },
    ),
    some<GenerateRequest>({
      sampling,
      maxTokens: fc.integer({ min: 1, max: 0xffff_ffff }),
      seed,
      stop: fc.array(text(40, 1), { minLength: 1, maxLength: LIMITS.stopStrings }),
      scope,
      model: name,
    } as never),
  )
  .map(([messages, rest]): GenerateRequest => ({ messages, ...rest }))

const piece = fc.tuple(
  text(30),
  fc.option(fc.string({ unit: 'grapheme-ascii', minLength: 1, maxLength: LIMITS.peerIdBytes })),
)

const answer: fc.Arbitrary<AnswerFrame> = fc.oneof(
  fc.record({ type: fc.constant('begin' as const), model: name, scope, seed: seed.map(String) }),
  fc.record({
    type: fc.constant('pieces' as const),
    pieces: fc.array(piece, { minLength: 1, maxLength: LIMITS.tokensPieces }),
  }),
  fc.record({
    type: fc.constant('end' as const),
    reason: fc.constantFrom('stop' as const, 'length' as const),
    usage: fc
      .record({ promptTokens: uint32, tokens: uint32, accepted: uint32, rejected: uint32, part: real(0, 1) })
      .map(({ part, ...rest }) => ({ ...rest, cachedTokens: Math.floor(part * rest.promptTokens) })),
  }),
  fc.record({
    type: fc.constant('failure' as const),
    failure: fc.record({
      code: word,
      message: text(LIMITS.messageCharacters / 2),
      retryAfterS: fc.option(fc.integer({ min: 1, max: LIMITS.retryAfterS })),
    }),
  }),
  fc.record({
    type: fc.constant('info' as const),
    info: fc.record({
      model: fc.option(name),
      modelId: fc.option(name),
      contextLength: uint32,
      engine: name,
      paceMs: uint32,
      scope,
      slots: uint32,
      running: uint32,
      queued: uint32,
      scouts: fc.array(word, { maxLength: LIMITS.poolWorkers }),
    }),
  }),
)

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

describe('frames of /shard/generate', () => {
  it('every request within the limits comes back as it was', () => {
    fc.assert(
      fc.property(request, (one) => {
        const frame = { type: 'request', request: one } as const
        expect(parseQuestion(encodeGenerateFrame(frame))).toEqual(frame)
      }),
    )
    expect(parseQuestion(encodeGenerateFrame({ type: 'info-request' }))).toEqual({ type: 'info-request' })
  })

  it('every answer within the limits comes back as it was, and fits its frame', () => {
    fc.assert(
      fc.property(answer, (one) => {
        const bytes = encodeGenerateFrame(one)
        expect(bytes.byteLength).toBeLessThanOrEqual(LIMITS.answerFrameBytes)
        expect(parseAnswer(bytes)).toEqual(one)
      }),
    )
  })

  it('a seed beyond 63 bits wraps as in the HTTP API', () => {
    const frame = {
      type: 'request',
      request: { messages: [{ role: 'user', content: '' }], seed: 2n ** 64n - 1n },
    }
    expect(parseQuestion(encodeGenerateFrame(frame as never))).toMatchObject({ request: { seed: -1n } })
  })

  it('the fullest Tokens fits its frame, and one more of anything is refused', () => {
    const worker = 'w'.repeat(LIMITS.peerIdBytes)
    const share = LIMITS.tokensCharacters / LIMITS.tokensPieces
    const pieces = new Array<AnswerPiece>(LIMITS.tokensPieces).fill(['€'.repeat(share), worker])
    const bytes = encodeGenerateFrame({ type: 'pieces', pieces })
    expect(bytes.byteLength).toBeLessThanOrEqual(LIMITS.answerFrameBytes)
    expect(parseAnswer(bytes)).toEqual({ type: 'pieces', pieces })
    const more = (extra: AnswerPiece) => encodeGenerateFrame({ type: 'pieces', pieces: [...pieces, extra] })
    expect(codeOf(() => parseAnswer(more(['', null])))).toBe('DECODE')
    const longer = [['x'.repeat(LIMITS.tokensCharacters + 1), null]] as const
    expect(codeOf(() => parseAnswer(encodeGenerateFrame({ type: 'pieces', pieces: longer })))).toBe('RANGE')
  })

  const turn = { role: 'user', content: 'Hello.' }
  const none = { stop: [], scope: '', model: '', maxTokens: 0 }
  const ask = (fields: object) => GenerateFrame.encode({ request: { messages: [turn], ...none, ...fields } })
  const shape = (fields: object) => ask({ sampling: { logitBias: [], ...fields } })
  it.each<[string, ProtocolErrorCode, Uint8Array]>([
    ['no turn', 'RANGE', ask({ messages: [] })],
    ['too many turns', 'DECODE', ask({ messages: new Array(LIMITS.turns + 1).fill(turn) })],
    ['a role that is none', 'RANGE', ask({ messages: [{ ...turn, role: 'root' }] })],
    ['a scope that is none', 'RANGE', ask({ scope: 'all' })],
    ['too many stop strings', 'DECODE', ask({ stop: new Array(LIMITS.stopStrings + 1).fill('x') })],
    ['an empty stop string', 'RANGE', ask({ stop: [''] })],
    ['a long stop string', 'RANGE', ask({ stop: ['x'.repeat(LIMITS.stopCharacters + 1)] })],
    ['a model’s name with a line break', 'TEXT', ask({ model: 'a\nb' })],
    ['a temperature that is no number', 'RANGE', shape({ temperature: Number.NaN })],
    ['a boundless temperature', 'RANGE', shape({ temperature: Number.POSITIVE_INFINITY })],
    ['a negative top_p', 'RANGE', shape({ topP: -0.1 })],
    [
      'a bias for a token of no vocabulary',
      'RANGE',
      shape({ logitBias: [{ id: LIMITS.vocabulary, bias: 1 }] }),
    ],
    [
      'too many biases',
      'DECODE',
      shape({ logitBias: new Array(LIMITS.logitBiases + 1).fill({ id: 1, bias: 1 }) }),
    ],
    ['an Oracle’s message', 'ORDER', encodeGenerateFrame({ type: 'pieces', pieces: [['x', null]] })],
    ['two messages', 'AMBIGUOUS', GenerateFrame.encode({ infoRequest: {}, tokens: { pieces: [] } })],
  ])('%s from a peer is refused', (_name, code, bytes) => {
    expect(codeOf(() => parseQuestion(bytes))).toBe(code)
  })

  const finish = {
    reason: 'stop',
    promptTokens: 3,
    cachedTokens: 0,
    completionTokens: 1,
    accepted: 0,
    rejected: 0,
  }
  const info = {
    model: '',
    modelId: '',
    contextLength: 1,
    engine: 'native',
    paceMs: 0,
    scope: 'own',
    slots: 1,
    running: 0,
    queued: 0,
    scouts: [] as string[],
  }
  it.each<[string, ProtocolErrorCode, Uint8Array]>([
    ['no pieces', 'RANGE', GenerateFrame.encode({ tokens: { pieces: [] } })],
    ['an end for no reason', 'RANGE', GenerateFrame.encode({ finish: { ...finish, reason: 'done' } })],
    ['more cached than asked', 'RANGE', GenerateFrame.encode({ finish: { ...finish, cachedTokens: 4 } })],
    [
      'a failure without a word',
      'RANGE',
      GenerateFrame.encode({ failure: { code: '', message: '', retryAfter: 0 } }),
    ],
    [
      'a long failure',
      'RANGE',
      GenerateFrame.encode({
        failure: { code: 'x', message: 'x'.repeat(LIMITS.messageCharacters + 1), retryAfter: 0 },
      }),
    ],
    [
      'a wait without end',
      'RANGE',
      GenerateFrame.encode({ failure: { code: 'x', message: '', retryAfter: 2 ** 31 } }),
    ],
    [
      'more Scouts than a pool has',
      'DECODE',
      GenerateFrame.encode({ info: { ...info, scouts: new Array(LIMITS.poolWorkers + 1).fill('x') } }),
    ],
    ['a peer’s message', 'ORDER', encodeGenerateFrame({ type: 'info-request' })],
  ])('%s from an Oracle is refused', (_name, code, bytes) => {
    expect(codeOf(() => parseAnswer(bytes))).toBe(code)
  })

  it('garbage and damaged frames give a ProtocolError or something within the limits', () => {
    const damaged = fc
      .tuple(
        fc.oneof(
          request.map((one) => encodeGenerateFrame({ type: 'request', request: one })),
          answer.map(encodeGenerateFrame),
        ),
        fc.nat(),
        fc.nat(255),
      )
      .map(([bytes, at, byte]) => {
        bytes[at % bytes.byteLength] = byte
        return bytes
      })
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 400 }), damaged), (bytes) => {
        codeOf(() => parseQuestion(bytes))
        codeOf(() => parseAnswer(bytes))
        codeOf(() => parsePairRequest(bytes))
        codeOf(() => parsePairAnswer(bytes))
      }),
      { numRuns: 3000 },
    )
  })
})

describe('Tokens frames', () => {
  it('hold every piece in order, whatever its length, and never half a character', () => {
    const long = fc
      .tuple(fc.constantFrom('a', 'é', '€', '😀', 'a😀'), fc.nat(3 * LIMITS.tokensCharacters))
      .map(([unit, length]): AnswerPiece => [unit.repeat(Math.ceil(length / unit.length)), null])
    fc.assert(
      fc.property(fc.array(fc.oneof(piece, long), { maxLength: 300 }), (pieces) => {
        const frames = [...tokensFrames(pieces)]
        for (const frame of frames) {
          const bytes = encodeGenerateFrame({ type: 'pieces', pieces: frame })
          expect(bytes.byteLength).toBeLessThanOrEqual(LIMITS.answerFrameBytes)
          // What was cut in the middle of a character would come back as something else.
          expect(parseAnswer(bytes)).toEqual({ type: 'pieces', pieces: frame })
        }
        const joined = (some: readonly AnswerPiece[]) => some.map(([part]) => part).join('')
        expect(joined(frames.flat())).toBe(joined(pieces))
        const short = pieces.every(([part]) => part.length <= LIMITS.tokensCharacters)
        if (short) expect(frames.flat()).toEqual(pieces)
      }),
      { numRuns: 50 },
    )
  })
})

describe('frames of /shard/pair', () => {
  it('come back as they were, and fit', () => {
    const invite = fc.uint8Array({ minLength: 16, maxLength: 16 }).map(toHex)
    fc.assert(
      fc.property(invite, word, (one, reason) => {
        for (const frame of [{ type: 'paired' }, { type: 'refuse', reason }] as const) {
          const bytes = encodePairFrame(frame)
          expect(bytes.byteLength).toBeLessThanOrEqual(LIMITS.pairFrameBytes)
          expect(parsePairAnswer(bytes)).toEqual(frame)
          expect(codeOf(() => parsePairRequest(bytes))).toBe('ORDER')
        }
        const bytes = encodePairFrame({ type: 'pair', invite: one })
        expect(bytes.byteLength).toBeLessThanOrEqual(LIMITS.pairFrameBytes)
        expect(parsePairRequest(bytes)).toEqual({ type: 'pair', invite: one })
        expect(codeOf(() => parsePairAnswer(bytes))).toBe('ORDER')
      }),
    )
  })

  it.each([0, 15, 17])('an invitation of %i bytes is refused', (length) => {
    const bytes = PairFrame.encode({ pair: { invite: new Uint8Array(length) } })
    expect(codeOf(() => parsePairRequest(bytes))).toBe('RANGE')
  })

  it('two messages in one frame are refused', () => {
    const bytes = PairFrame.encode({ paired: {}, refuse: { assignment: 0, reason: 'x' } })
    expect(codeOf(() => parsePairAnswer(bytes))).toBe('AMBIGUOUS')
  })
})
