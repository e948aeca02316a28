import type { Connection, Stream } from '@libp2p/interface'
import type { Log } from '../../shared/log.ts'
import type { MeshNode } from '../../shared/mesh/node-options.ts'
import { RateLimits } from '../../shared/mesh/rate-limits.ts'
import type { AnswerFailure, GenerateRequest } from '../../shared/protocol/generate-frames.ts'
import { LIMITS } from '../../shared/protocol/limits.ts'
import { GENERATE_PROTOCOL } from '../../shared/protocol/names.ts'
import { ProtocolError } from '../../shared/protocol/protocol-error.ts'
import { AnswerStream } from './answer-stream.ts'
import type { ChatService } from './chat-service.ts'
import type { FaultBook } from './fault-book.ts'
import { reportFault } from './protocol-faults.ts'

export interface GenerateServiceEvents {
  /** A request was taken. */
  asked?(peerId: string): void
  fault?(peerId: string, code: string): void
}

export interface GenerateServiceOptions {
  readonly node: MeshNode
  readonly isOwn: (peerId: string) => boolean
  readonly faults: FaultBook
  readonly log: Log
  readonly events?: GenerateServiceEvents
}

interface Answering {
  readonly stream: AnswerStream
  readonly ended: Promise<void>
}

const FAILURES = {
  notPaired: failure('not-paired', 'this Oracle answers its owner’s own devices only: pair this one'),
  notReady: failure('engine_not_ready', 'the engine is not running yet', 1),
  banned: failure('banned', 'this device broke the protocol too often: it is kept out for a while', 10),
  stopping: failure('shutting_down', 'this Oracle is shutting down', 5),
  tooManyAtOnce: failure(
    'rate_limit_exceeded',
    `${LIMITS.answersPerPeer} answers for this device are under way already`,
    1,
  ),
  tooMany: failure(
    'rate_limit_exceeded',
    `more than ${LIMITS.requestsPerMinute} requests a minute`,
    Math.ceil(60 / LIMITS.requestsPerMinute),
  ),
}

/**
 * The Oracle's side of /shard/generate: the owner's own devices ask it over the mesh, whatever the scope. Who asks, the
 * connection says: Noise has proved the peer id, so requests carry no signature of their own.
 */
export class GenerateService {
  readonly #options: GenerateServiceOptions
  readonly #streams = perMinute(LIMITS.generateStreamsPerMinute)
  readonly #requests = perMinute(LIMITS.requestsPerMinute)
  /** Requests being answered, by peer. */
  readonly #answering = new Map<string, Set<Answering>>()
  #chat: ChatService | null = null
  #stopping = false

  constructor(options: GenerateServiceOptions) {
    this.#options = options
  }

  async start(): Promise<void> {
    await this.#options.node.handle(
      GENERATE_PROTOCOL,
      (stream, connection) => this.#accept(stream, connection),
      { maxInboundStreams: LIMITS.generateStreams, runOnLimitedConnection: true },
    )
  }

  /** Until it is set, peers are told to come back. */
  setChat(chat: ChatService | null): void {
    this.#chat = chat
  }

  /** Ends the peer's requests: it is the owner's no longer. */
  letGo(peerId: string): void {
    for (const { stream } of this.#answering.get(peerId) ?? []) stream.fail(FAILURES.notPaired)
  }

  /** Tells those who are being answered, and waits until each has ended. */
  async stop(): Promise<void> {
    this.#stopping = true
    const all = [...this.#answering.values()].flatMap((answering) => [...answering])
    for (const { stream } of all) stream.fail(FAILURES.stopping)
    await Promise.all(all.map(({ ended }) => ended))
    await this.#options.node.unhandle(GENERATE_PROTOCOL)
  }

  #accept(libp2pStream: Stream, connection: Connection): void {
    const { isOwn, log, faults, events } = this.#options
    const peerId = connection.remotePeer.toString()
    const stream = new AnswerStream(libp2pStream, {
      question: (question) => {
        if (question.type === 'request') this.#request(stream, peerId, question.request)
        else if (this.#chat) stream.finish({ type: 'info', info: this.#chat.info() })
        else stream.fail(FAILURES.notReady)
      },
      closed: (error) => {
        // Who does not read is asleep, or has a bad link: its answer ends, and that is all.
        if (!(error instanceof ProtocolError) || error.code === 'SLOW') return
        reportFault({ faults, log, fault: events?.fault?.bind(events) }, connection, error)
      },
    })
    if (!this.#streams.take(peerId)) {
      stream.abort(new ProtocolError('RATE', 'too many streams'))
    } else if (faults.banned(peerId) || !isOwn(peerId)) {
      // Before anything of the request is read, or kept.
      stream.fail(isOwn(peerId) ? FAILURES.banned : FAILURES.notPaired)
      void libp2pStream.closeRead().catch(() => {})
    }
  }

  #request(stream: AnswerStream, peerId: string, request: GenerateRequest): void {
    const { log, events } = this.#options
    const chat = this.#chat
    const refusal = this.#refusal(peerId)
    if (!chat || refusal) {
      stream.fail(refusal ?? FAILURES.notReady)
      return
    }
    const mine = this.#answering.get(peerId) ?? new Set()
    log.debug({ peerId }, 'request over the mesh')
    events?.asked?.(peerId)
    const answering: Answering = { stream, ended: this.#answer(stream, chat, request) }
    this.#answering.set(peerId, mine.add(answering))
    void answering.ended.then(() => {
      mine.delete(answering)
      if (mine.size === 0) this.#answering.delete(peerId)
    })
  }

  #refusal(peerId: string): AnswerFailure | null {
    if (this.#stopping) return FAILURES.stopping
    if (!this.#chat) return FAILURES.notReady
    if ((this.#answering.get(peerId)?.size ?? 0) >= LIMITS.answersPerPeer) return FAILURES.tooManyAtOnce
    return this.#requests.take(peerId) ? null : FAILURES.tooMany
  }

  async #answer(stream: AnswerStream, chat: ChatService, request: GenerateRequest): Promise<void> {
    try {
      await stream.pipe(chat.answer(request, stream.signal))
      stream.finish()
    } catch (error) {
      // Whether the peer still listens or not: what went wrong here must be known here.
      stream.fail(chat.failure(error))
    }
  }
}

function failure(code: string, message: string, retryAfterS: number | null = null): AnswerFailure {
  return { code, message, retryAfterS }
}

function perMinute(count: number): RateLimits {
  return new RateLimits(count / 60, count, LIMITS.rememberedPeers)
}
