import type { Connection } from '@libp2p/interface'
import type { JoinLink } from '../protocol/join-link.ts'
import { LIMITS } from '../protocol/limits.ts'
import { PAIR_PROTOCOL } from '../protocol/names.ts'
import { encodePairFrame, type PairAnswer, parsePairAnswer } from '../protocol/pair-frames.ts'
import type { MeshNode } from './node-options.ts'
import { type CallOptions, call, dialOracle } from './oracle-call.ts'
import { OracleCallError } from './oracle-call-error.ts'

/**
 * Makes this node one of the owner's own at the Oracle that the link leads to. Its peer id is what is paired, so it must
 * keep its key. Doing it again is no error.
 * @throws {OracleCallError} `invite` when the invitation is wrong, used up or too old
 */
export async function pairWith(node: MeshNode, link: JoinLink, options: CallOptions): Promise<void> {
  if (link.invite === null)
    throw new OracleCallError('invite', 'this link holds no invitation: it only says where the Oracle is')
  await pairOver(await dialOracle(node, link.oracles, options), link.invite, options)
}

/** As `pairWith`, over a connection to the Oracle. @param invite 16 bytes, hex @throws {OracleCallError} */
export async function pairOver(connection: Connection, invite: string, options: CallOptions): Promise<void> {
  const answers = call<PairAnswer>(
    connection,
    {
      protocol: PAIR_PROTOCOL,
      question: encodePairFrame({ type: 'pair', invite }),
      maxQuestionBytes: LIMITS.pairFrameBytes,
      maxAnswerBytes: LIMITS.pairFrameBytes,
      parse: parsePairAnswer,
      isLast: () => true,
    },
    options,
  )
  for await (const answer of answers) {
    if (answer.type === 'paired') return
    throw new OracleCallError(
      answer.reason,
      REFUSALS[answer.reason] ?? `the Oracle refuses: ${answer.reason}`,
    )
  }
}

const REFUSALS: Readonly<Record<string, string>> = {
  invite: 'this invitation is wrong, used up or too old: make a new one with `shard device invite`',
  'too-many': 'too many attempts: wait a minute and try again',
  full: 'this Oracle has all the devices that it takes: remove one with `shard device remove`',
  failed: 'the Oracle could not remember this device; its log says why',
}
