import type { Connection } from '@libp2p/interface'
import {
  type AnswerFrame,
  encodeGenerateFrame,
  type GenerateEvent,
  type GenerateRequest,
  type NodeInfo,
  parseAnswer,
  type QuestionFrame,
} from '../protocol/generate-frames.ts'
import { LIMITS } from '../protocol/limits.ts'
import { GENERATE_PROTOCOL } from '../protocol/names.ts'
import { type CallOptions, call } from './oracle-call.ts'
import { OracleCallError } from './oracle-call-error.ts'

export type { GenerateEvent, GenerateRequest, NodeInfo } from '../protocol/generate-frames.ts'

/** How the Oracle at the other end is; it tells its owner's own devices only. @throws {OracleCallError} */
export async function nodeInfo(connection: Connection, options: CallOptions): Promise<NodeInfo> {
  for await (const answer of ask(connection, { type: 'info-request' }, options)) {
    if (answer.type === 'info') return answer.info
    throw unexpected(answer)
  }
  throw new OracleCallError('interrupted', 'the Oracle said nothing')
}

/**
 * Has the Oracle at the other end continue a conversation: `begin`, any number of `pieces`, and `end`. Nothing is signed:
 * the connection is Noise's, so both ends know each other's peer id, and by it the Oracle knows its owner's devices.
 * Leaving the loop, or the signal, frees the Oracle's slot within one pass.
 *
 * @example
 * const connection = await dialOracle(node, addresses, { signal })
 * for await (const event of generate(connection, { messages }, { signal })) …
 *
 * @throws {OracleCallError} the signal's reason when that ended it
 */
export async function* generate(
  connection: Connection,
  request: GenerateRequest,
  options: CallOptions,
): AsyncGenerator<GenerateEvent, void, void> {
  let begun = false
  let pieces = 0
  for await (const answer of ask(connection, { type: 'request', request }, options)) {
    if (answer.type === 'failure' || answer.type === 'info') throw unexpected(answer)
    if (begun === (answer.type === 'begin')) throw unexpected(answer)
    begun = true
    if (answer.type === 'pieces') pieces += answer.pieces.length
    if (pieces > LIMITS.answerPieces)
      throw new OracleCallError('protocol', `the answer has more than ${LIMITS.answerPieces} pieces`)
    yield answer
  }
}

function ask(connection: Connection, question: QuestionFrame, options: CallOptions) {
  return call<AnswerFrame>(
    connection,
    {
      protocol: GENERATE_PROTOCOL,
      question: encodeGenerateFrame(question),
      maxQuestionBytes: LIMITS.generateRequestBytes,
      maxAnswerBytes: LIMITS.answerFrameBytes,
      parse: parseAnswer,
      isLast: ({ type }) => type === 'end' || type === 'failure' || type === 'info',
    },
    options,
  )
}

function unexpected(answer: AnswerFrame): OracleCallError {
  if (answer.type !== 'failure')
    return new OracleCallError('protocol', `the Oracle broke the protocol: ${answer.type} may not come here`)
  const { code, message, retryAfterS } = answer.failure
  return new OracleCallError(code, message, { retryAfterS })
}
