import type { Scope } from '../drafter/draft-worker.ts'
import type { SamplingSettings } from '../verify/settings.ts'
import { decode, integer, isUnknown, oneMessage, printable, real, text } from './checks.ts'
import { LIMITS } from './limits.ts'
import {
  type Finish,
  GenerateFrame,
  type GenerateRequest as RequestMessage,
  type Sampling as SamplingMessage,
  type Tokens,
} from './messages.ts'
import { ProtocolError } from './protocol-error.ts'

/** A conversation to be continued by an Oracle; what is absent is as in its HTTP API. */
export interface GenerateRequest {
  readonly messages: readonly GenerateTurn[]
  readonly sampling?: Partial<SamplingSettings>
  /** Absent: as far as the context reaches. */
  readonly maxTokens?: number
  /** 64 bits; absent: the Oracle chooses. */
  readonly seed?: bigint
  readonly stop?: readonly string[]
  /** Whose Scouts may see it; absent: as the Oracle is set. */
  readonly scope?: Scope
  /** Id or name; absent: the model that runs. */
  readonly model?: string
}

export interface GenerateTurn {
  readonly role: 'system' | 'user' | 'assistant'
  readonly content: string
}

/** A stretch of text and who drafted it: a worker's id, or null for the Oracle itself. */
export type AnswerPiece = readonly [text: string, by: string | null]

/** An answer as it comes; the last event is `end`. */
export type GenerateEvent =
  | {
      readonly type: 'begin'
      /** The model's id. */
      readonly model: string
      readonly scope: Scope
      /** 64 bits in decimal digits. */
      readonly seed: string
    }
  | { readonly type: 'pieces'; readonly pieces: readonly AnswerPiece[] }
  | { readonly type: 'end'; readonly reason: 'stop' | 'length'; readonly usage: AnswerUsage }

export interface AnswerUsage {
  readonly promptTokens: number
  /** Prompt tokens that the Oracle still held from before. */
  readonly cachedTokens: number
  readonly tokens: number
  /** Draft tokens that verification confirmed, and those that it tested and refused. */
  readonly accepted: number
  readonly rejected: number
}

/** How an Oracle is. */
export interface NodeInfo {
  /** Null: no model is loaded yet. */
  readonly model: string | null
  readonly modelId: string | null
  readonly contextLength: number
  /** Kind and kernel, or the engine's state. */
  readonly engine: string
  readonly paceMs: number
  readonly scope: Scope
  readonly slots: number
  readonly running: number
  readonly queued: number
  /** Peer ids of the Scouts in its pool. */
  readonly scouts: readonly string[]
}

/** Why an Oracle does not answer. */
export interface AnswerFailure {
  /** A stable word: those of the HTTP API, and `not-paired`. */
  readonly code: string
  /** For people. */
  readonly message: string
  /** Seconds after which trying again makes sense. */
  readonly retryAfterS: number | null
}

/** What a peer says on a stream of /shard/generate: one of these, once. */
export type QuestionFrame =
  | { readonly type: 'request'; readonly request: GenerateRequest }
  | { readonly type: 'info-request' }

export type AnswerFrame =
  | GenerateEvent
  | { readonly type: 'failure'; readonly failure: AnswerFailure }
  | { readonly type: 'info'; readonly info: NodeInfo }

const UINT32 = 0xffff_ffff
const SCOPES: readonly Scope[] = ['none', 'own', 'swarm']
const ROLES: readonly GenerateTurn['role'][] = ['system', 'user', 'assistant']
const REASONS = ['stop', 'length'] as const

/** Parses what a peer asks; null for a message this version does not know. @throws {ProtocolError} */
export function parseQuestion(data: Uint8Array): QuestionFrame | null {
  const frame = decode('GenerateFrame', () =>
    GenerateFrame.decode(data, {
      limits: {
        request: {
          messages: LIMITS.turns,
          stop: LIMITS.stopStrings,
          sampling: { logitBias: LIMITS.logitBiases },
        },
      },
    }),
  )
  const { request, infoRequest } = oneMessage(frame)
  if (request) return { type: 'request', request: parseRequest(request) }
  if (infoRequest) return { type: 'info-request' }
  if (isUnknown(frame)) return null
  throw new ProtocolError('ORDER', 'a peer sent a message that only an Oracle sends')
}

/** Parses what an Oracle answers; null for a message this version does not know. @throws {ProtocolError} */
export function parseAnswer(data: Uint8Array): AnswerFrame | null {
  const frame = decode('GenerateFrame', () =>
    GenerateFrame.decode(data, {
      limits: { tokens: { pieces: LIMITS.tokensPieces }, info: { scouts: LIMITS.poolWorkers } },
    }),
  )
  const { begin, tokens, finish, failure, info } = oneMessage(frame)
  if (begin) {
    return {
      type: 'begin',
      model: printable('model', begin.model, LIMITS.nameBytes),
      scope: oneOf('scope', begin.scope, SCOPES),
      seed: String(BigInt.asIntN(64, begin.seed)),
    }
  }
  if (tokens) return { type: 'pieces', pieces: parsePieces(tokens) }
  if (finish)
    return { type: 'end', reason: oneOf('reason', finish.reason, REASONS), usage: parseUsage(finish) }
  if (failure) {
    return {
      type: 'failure',
      failure: {
        code: printable('code', failure.code, LIMITS.reasonBytes),
        message: text('message', failure.message, 0, LIMITS.messageCharacters),
        retryAfterS: integer('retry_after', failure.retryAfter, 0, LIMITS.retryAfterS) || null,
      },
    }
  }
  if (info) {
    return {
      type: 'info',
      info: {
        model: info.model === '' ? null : printable('model', info.model, LIMITS.nameBytes),
        modelId: info.modelId === '' ? null : printable('model_id', info.modelId, LIMITS.nameBytes),
        contextLength: info.contextLength,
        engine: printable('engine', info.engine, LIMITS.nameBytes),
        paceMs: info.paceMs,
        scope: oneOf('scope', info.scope, SCOPES),
        slots: info.slots,
        running: info.running,
        queued: info.queued,
        scouts: info.scouts.map((scout) => printable('scout', scout, LIMITS.peerIdBytes)),
      },
    }
  }
  if (isUnknown(frame)) return null
  throw new ProtocolError('ORDER', 'an Oracle sent a message that only a peer sends')
}

/** Bytes of a frame, without its length prefix. */
export function encodeGenerateFrame(frame: QuestionFrame | AnswerFrame): Uint8Array {
  switch (frame.type) {
    case 'request':
      return GenerateFrame.encode({ request: requestMessage(frame.request) })
    case 'info-request':
      return GenerateFrame.encode({ infoRequest: {} })
    case 'begin':
      return GenerateFrame.encode({
        begin: { model: frame.model, scope: frame.scope, seed: BigInt.asUintN(64, BigInt(frame.seed)) },
      })
    case 'pieces':
      return GenerateFrame.encode({
        tokens: { pieces: frame.pieces.map(([text, by]) => ({ text, worker: by ?? '' })) },
      })
    case 'end': {
      const { promptTokens, cachedTokens, tokens: completionTokens, accepted, rejected } = frame.usage
      return GenerateFrame.encode({
        finish: { reason: frame.reason, promptTokens, cachedTokens, completionTokens, accepted, rejected },
      })
    }
    case 'failure': {
      const { code, message, retryAfterS } = frame.failure
      const retryAfter = Math.min(LIMITS.retryAfterS, Math.ceil(retryAfterS ?? 0))
      return GenerateFrame.encode({
        failure: { code, message: message.slice(0, LIMITS.messageCharacters), retryAfter },
      })
    }
    case 'info': {
      const { model, modelId, scouts, ...rest } = frame.info
      return GenerateFrame.encode({
        info: { ...rest, model: model ?? '', modelId: modelId ?? '', scouts: [...scouts] },
      })
    }
  }
}

/** Wide bounds here, as in an Assign: what a request may ask for is the API's own business, and its answer. */
function parseRequest(request: RequestMessage): GenerateRequest {
  integer('messages', request.messages.length, 1, LIMITS.turns)
  const { seed, sampling } = request
  return {
    messages: request.messages.map(({ role, content }) => ({ role: oneOf('role', role, ROLES), content })),
    ...(sampling && { sampling: parseSampling(sampling) }),
    ...(request.maxTokens !== 0 && { maxTokens: request.maxTokens }),
    ...(seed !== undefined && { seed: BigInt.asIntN(64, seed) }),
    ...(request.stop.length > 0 && {
      stop: request.stop.map((stop) => text('stop', stop, 1, LIMITS.stopCharacters)),
    }),
    ...(request.scope !== '' && { scope: oneOf('scope', request.scope, SCOPES) }),
    ...(request.model !== '' && { model: printable('model', request.model, LIMITS.nameBytes) }),
  }
}

function parseSampling(given: SamplingMessage): Partial<SamplingSettings> {
  const number = (name: string, value: number | undefined, least: number, most: number) =>
    value === undefined ? undefined : real(name, value, least, most)
  const sampling = {
    temperature: number('temperature', given.temperature, 0, 100),
    topK: number('top_k', given.topK, 0, UINT32),
    topP: number('top_p', given.topP, 0, 1),
    minP: number('min_p', given.minP, 0, 1),
    repetitionPenalty: number('repetition_penalty', given.repetitionPenalty, 1e-3, 1e3),
    frequencyPenalty: number('frequency_penalty', given.frequencyPenalty, -1e3, 1e3),
    presencePenalty: number('presence_penalty', given.presencePenalty, -1e3, 1e3),
    logitBias:
      given.logitBias.length === 0
        ? undefined
        : given.logitBias.map(
            ({ id, bias }) =>
              [
                integer('logit_bias id', id, 0, LIMITS.vocabulary - 1),
                real('logit_bias', bias, -1e3, 1e3),
              ] as const,
          ),
  }
  return Object.fromEntries(Object.entries(sampling).filter(([, value]) => value !== undefined))
}

function requestMessage(request: GenerateRequest): RequestMessage {
  const { messages, sampling, maxTokens, seed, stop, scope, model } = request
  return {
    messages: messages.map(({ role, content }) => ({ role, content })),
    ...(sampling && {
      sampling: {
        ...sampling,
        logitBias: (sampling.logitBias ?? []).map(([id, bias]) => ({ id, bias })),
      },
    }),
    maxTokens: maxTokens ?? 0,
    ...(seed !== undefined && { seed: BigInt.asUintN(64, seed) }),
    stop: [...(stop ?? [])],
    scope: scope ?? '',
    model: model ?? '',
  }
}

function parsePieces({ pieces }: Tokens): AnswerPiece[] {
  integer('pieces', pieces.length, 1, LIMITS.tokensPieces)
  let room: number = LIMITS.tokensCharacters
  return pieces.map(({ text: part, worker }) => {
    room -= text('text', part, 0, room).length
    return [part, worker === '' ? null : printable('worker', worker, LIMITS.peerIdBytes)]
  })
}

function parseUsage({ promptTokens, cachedTokens, completionTokens, accepted, rejected }: Finish) {
  return {
    promptTokens: integer('prompt_tokens', promptTokens, 0, UINT32),
    cachedTokens: integer('cached_tokens', cachedTokens, 0, promptTokens),
    tokens: integer('completion_tokens', completionTokens, 0, UINT32),
    accepted: integer('accepted', accepted, 0, UINT32),
    rejected: integer('rejected', rejected, 0, UINT32),
  }
}

function oneOf<T extends string>(name: string, value: string, words: readonly T[]): T {
  const word = words.find((one) => one === value)
  if (word === undefined) throw new ProtocolError('RANGE', `${name} is none of ${words.join(', ')}`)
  return word
}
