import type { Connection, Stream } from '@libp2p/interface'
import { multiaddr } from '@multiformats/multiaddr'
import { FrameStream } from '../protocol/frame-stream.ts'
import { LIMITS } from '../protocol/limits.ts'
import { ProtocolError } from '../protocol/protocol-error.ts'
import type { MeshNode } from './node-options.ts'
import { OracleCallError } from './oracle-call-error.ts'

export interface CallOptions {
  readonly signal: AbortSignal
}

/** One question to an Oracle, and how its answers are read. */
export interface Call<Answer> {
  readonly protocol: string
  readonly question: Uint8Array
  /** The longest question that an Oracle reads, and the longest frame that it answers with. */
  readonly maxQuestionBytes: number
  readonly maxAnswerBytes: number
  /** Null: a message of a later version, skipped. @throws {ProtocolError} */
  parse(data: Uint8Array): Answer | null
  isLast(answer: Answer): boolean
}

/** A connection to an Oracle, by any of its addresses; one that stands is used. @throws {OracleCallError} unreachable */
export async function dialOracle(
  node: MeshNode,
  addresses: readonly string[],
  { signal }: CallOptions,
): Promise<Connection> {
  try {
    return await node.dial(
      addresses.map((address) => multiaddr(address)),
      { signal },
    )
  } catch (cause) {
    signal.throwIfAborted()
    throw new OracleCallError('unreachable', `the Oracle cannot be reached: ${reasonOf(cause)}`, { cause })
  }
}

/**
 * Asks on a stream of its own and yields the answers until the last. Leaving the loop, or the signal, resets the stream,
 * from which the Oracle knows that nobody listens any more.
 * @throws {OracleCallError}
 */
export async function* call<Answer>(
  connection: Connection,
  { protocol, question, maxQuestionBytes, maxAnswerBytes, parse, isLast }: Call<Answer>,
  { signal }: CallOptions,
): AsyncGenerator<Answer, void, void> {
  if (question.byteLength > maxQuestionBytes) {
    const message = `the request has ${question.byteLength} bytes; an Oracle reads ${maxQuestionBytes} at most`
    throw new OracleCallError('request_too_large', message)
  }
  const stream = await openStream(connection, protocol, signal)
  const waiting: { readonly answer: Answer; readonly bytes: number }[] = []
  let waitingBytes = 0
  let ended: { readonly error: Error | null } | null = null
  let complete = false
  let wake: () => void = () => {}
  const late = () => frames.abort(new OracleCallError('timeout', 'the Oracle does not answer'))
  const deadline = setTimeout(late, LIMITS.answerDeadlineMs)
  const frames: FrameStream = new FrameStream(stream, maxAnswerBytes, {
    frame(data) {
      if (complete) return
      const answer = parse(data)
      if (answer === null) return
      clearTimeout(deadline)
      complete = isLast(answer)
      waiting.push({ answer, bytes: data.byteLength })
      waitingBytes += data.byteLength
      if (waitingBytes > LIMITS.answerQueueBytes)
        throw new ProtocolError('SLOW', `${waitingBytes} bytes of the answer wait for their reader`)
      wake()
    },
    closed(error) {
      clearTimeout(deadline)
      ended = { error }
      wake()
    },
  })
  const cancel = () => frames.abort(new Error('cancelled'))
  signal.addEventListener('abort', cancel, { once: true })
  try {
    signal.throwIfAborted()
    frames.send(question)
    for (;;) {
      const next = waiting.shift()
      signal.throwIfAborted()
      if (next) {
        waitingBytes -= next.bytes
        yield next.answer
        if (complete && waiting.length === 0) return
      } else if (ended) throw failureOf((ended as { error: Error | null }).error)
      else {
        await new Promise<void>((resolve) => {
          wake = resolve
        })
      }
    }
  } finally {
    signal.removeEventListener('abort', cancel)
    clearTimeout(deadline)
    if (complete) frames.close()
    else cancel()
  }
}

async function openStream(connection: Connection, protocol: string, signal: AbortSignal): Promise<Stream> {
  try {
    return await connection.newStream(protocol, {
      signal: AbortSignal.any([signal, AbortSignal.timeout(LIMITS.answerDeadlineMs)]),
      runOnLimitedConnection: true,
    })
  } catch (cause) {
    signal.throwIfAborted()
    const name = cause instanceof Error ? cause.name : ''
    if (name === 'UnsupportedProtocolError')
      throw new OracleCallError('unsupported', `this Oracle does not offer ${protocol}`, { cause })
    const code = name === 'TimeoutError' || name === 'AbortError' ? 'timeout' : 'interrupted'
    throw new OracleCallError(code, `no stream to the Oracle: ${reasonOf(cause)}`, { cause })
  }
}

function failureOf(error: Error | null): OracleCallError {
  if (error instanceof OracleCallError) return error
  if (error instanceof ProtocolError && error.code === 'SLOW')
    return new OracleCallError('slow', error.message, { cause: error })
  if (error instanceof ProtocolError)
    return new OracleCallError('protocol', `the Oracle broke the protocol: ${error.message}`, {
      cause: error,
    })
  return new OracleCallError('interrupted', 'the connection to the Oracle was lost', { cause: error })
}

function reasonOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause)
}
