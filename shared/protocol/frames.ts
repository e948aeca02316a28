import type {
  Assignment,
  DoneReason,
  DraftAccount,
  DraftFrame,
  VerifiedFrame,
} from '../drafter/draft-worker.ts'
import type { SamplingSettings } from '../verify/settings.ts'
import { bytes, decode, integer, isUnknown, oneMessage, printable, real, tokenIds } from './checks.ts'
import { fromHex, toHex } from './hex.ts'
import { LIMITS } from './limits.ts'
import { type Assign, type Claim, Frame, type Settings, type Verified } from './messages.ts'
import { ProtocolError } from './protocol-error.ts'

/** What a Scout says of itself. */
export interface ScoutClaim {
  readonly draftModel: string
  /** SHA-256, hex. */
  readonly tokenizerHash: string
  readonly capacity: number
  readonly speed: number
  /** The Offer that it answers, hex; null when it comes by itself. */
  readonly job: string | null
  readonly contextLength: number
}

export type ScoutFrame =
  | { readonly type: 'claim'; readonly claim: ScoutClaim }
  | { readonly type: 'refuse'; readonly assignment: number; readonly reason: string }
  | { readonly type: 'draft'; readonly assignment: number; readonly frame: DraftFrame }

export type OracleFrame =
  | { readonly type: 'welcome'; readonly targetModel: string }
  | { readonly type: 'refuse'; readonly assignment: number; readonly reason: string }
  | { readonly type: 'assign'; readonly assignment: Assignment }
  | { readonly type: 'verified'; readonly assignment: number; readonly frame: VerifiedFrame }
  | {
      readonly type: 'done'
      readonly assignment: number
      readonly reason: DoneReason
      readonly account: DraftAccount
      readonly receipt: Uint8Array<ArrayBuffer>
    }

const DONE_REASONS: readonly string[] = [
  'finished',
  'cancelled',
  'not-needed',
  'reassigned',
  'shutdown',
] satisfies DoneReason[]

const UINT32 = 0xffff_ffff

/** Parses what a Scout sent; null for a message this version does not know. @throws {ProtocolError} */
export function parseScoutFrame(data: Uint8Array, vocabSize: number): ScoutFrame | null {
  const tokens = LIMITS.windowTokens
  const frame = decode('frame', () => Frame.decode(data, { limits: { draft: { tokens } } }))
  const { claim, refuse, draft } = oneMessage(frame)
  if (claim) return { type: 'claim', claim: parseClaim(claim) }
  if (refuse) return { type: 'refuse', ...parseRefuse(refuse) }
  if (draft) {
    return {
      type: 'draft',
      assignment: assignmentId(draft.assignment),
      frame: parseRun(draft, tokens, vocabSize),
    }
  }
  if (isUnknown(frame)) return null
  throw new ProtocolError('ORDER', 'a Scout sent a message that only an Oracle sends')
}

/** Parses what an Oracle sent; null for a message this version does not know. @throws {ProtocolError} */
export function parseOracleFrame(data: Uint8Array, vocabSize: number): OracleFrame | null {
  const frame = decode('frame', () =>
    Frame.decode(data, {
      limits: {
        assign: {
          context: LIMITS.contextTokens,
          stopTokens: LIMITS.stopTokens,
          settings: { logitBias: LIMITS.logitBiases },
        },
        verified: { tokens: LIMITS.verifiedTokens },
      },
    }),
  )
  const { welcome, refuse, assign, verified, done } = oneMessage(frame)
  if (welcome)
    return { type: 'welcome', targetModel: printable('target_model', welcome.targetModel, LIMITS.nameBytes) }
  if (refuse) return { type: 'refuse', ...parseRefuse(refuse) }
  if (assign) return { type: 'assign', assignment: parseAssign(assign, vocabSize) }
  if (verified) {
    return {
      type: 'verified',
      assignment: assignmentId(verified.assignment),
      frame: parseVerified(verified, vocabSize),
    }
  }
  if (done) {
    if (!DONE_REASONS.includes(done.reason)) throw new ProtocolError('RANGE', `unknown reason in Done`)
    return {
      type: 'done',
      assignment: assignmentId(done.assignment),
      reason: done.reason as DoneReason,
      account: {
        drafted: integer('drafted', done.drafted, 0, UINT32),
        accepted: integer('accepted', done.accepted, 0, done.drafted),
        seconds: done.milliseconds / 1000,
      },
      receipt: bytes('receipt', done.receipt, 0, LIMITS.receiptBytes),
    }
  }
  if (isUnknown(frame)) return null
  throw new ProtocolError('ORDER', 'an Oracle sent a message that only a Scout sends')
}

/** Bytes of a frame, without its length prefix. */
export function encodeFrame(frame: ScoutFrame | OracleFrame): Uint8Array {
  switch (frame.type) {
    case 'claim': {
      const { draftModel, capacity, speed, contextLength, tokenizerHash, job } = frame.claim
      return Frame.encode({
        claim: {
          draftModel,
          capacity,
          speed,
          contextLength,
          tokenizerHash: fromHex(tokenizerHash),
          job: job === null ? new Uint8Array(0) : fromHex(job),
        },
      })
    }
    case 'welcome':
      return Frame.encode({ welcome: { targetModel: frame.targetModel } })
    case 'refuse':
      return Frame.encode({ refuse: { assignment: frame.assignment, reason: frame.reason } })
    case 'assign':
      return Frame.encode({ assign: assignMessage(frame.assignment) })
    case 'draft':
      return Frame.encode({ draft: { assignment: frame.assignment, ...run(frame.frame) } })
    case 'verified':
      return Frame.encode({
        verified: {
          assignment: frame.assignment,
          ...run(frame.frame),
          drafted: frame.frame.account?.drafted ?? 0,
          accepted: frame.frame.account?.accepted ?? 0,
        },
      })
    case 'done':
      return Frame.encode({
        done: {
          assignment: frame.assignment,
          reason: frame.reason,
          drafted: frame.account.drafted,
          accepted: frame.account.accepted,
          milliseconds: Math.min(UINT32, Math.round(frame.account.seconds * 1000)),
          receipt: frame.receipt,
        },
      })
  }
}

/** What an assignment must keep to travel; a request beyond it is not for Scouts. @throws {ProtocolError} RANGE */
export function checkAssignment(assignment: Assignment, vocabSize: number): void {
  assignmentId(assignment.id)
  const { context, promptLength, window, endPosition, stopTokens, settings, key } = assignment
  tokenIds('context', context, 1, LIMITS.contextTokens, vocabSize)
  integer('prompt_length', promptLength, 1, context.length)
  integer('window', window, 1, LIMITS.windowTokens)
  integer('end_position', endPosition, context.length, LIMITS.contextTokens)
  tokenIds('stop_tokens', stopTokens, 0, LIMITS.stopTokens, vocabSize)
  integer('key', key.lo, 0, UINT32)
  integer('key', key.hi, 0, UINT32)
  checkSettings(settings, vocabSize)
}

/** Wide bounds: what an API may ask for and arithmetic stands; narrower ones are the API's own. */
function checkSettings(settings: SamplingSettings, vocabSize: number): void {
  real('temperature', settings.temperature, 0, 100)
  integer('top_k', settings.topK, 0, LIMITS.vocabulary)
  real('top_p', settings.topP, 0, 1)
  real('min_p', settings.minP, 0, 1)
  real('repetition_penalty', settings.repetitionPenalty, 1e-3, 1e3)
  real('frequency_penalty', settings.frequencyPenalty, -1e3, 1e3)
  real('presence_penalty', settings.presencePenalty, -1e3, 1e3)
  integer('logit_bias', settings.logitBias.length, 0, LIMITS.logitBiases)
  for (const [id, bias] of settings.logitBias) {
    integer('logit_bias id', id, 0, vocabSize - 1)
    real('logit_bias', bias, -1e3, 1e3)
  }
}

function parseClaim(claim: Claim): ScoutClaim {
  return {
    draftModel: printable('draft_model', claim.draftModel, LIMITS.nameBytes),
    tokenizerHash: toHex(bytes('tokenizer_hash', claim.tokenizerHash, LIMITS.hashBytes, LIMITS.hashBytes)),
    capacity: integer('capacity', claim.capacity, 1, LIMITS.capacity),
    speed: real('speed', claim.speed, 0, LIMITS.speed),
    job: claim.job.byteLength === 0 ? null : toHex(bytes('job', claim.job, LIMITS.jobBytes, LIMITS.jobBytes)),
    contextLength: integer('context_length', claim.contextLength, 1, UINT32),
  }
}

function parseRefuse(refuse: { assignment: number; reason: string }): { assignment: number; reason: string } {
  return { assignment: refuse.assignment, reason: printable('reason', refuse.reason, LIMITS.reasonBytes) }
}

/** Epoch, position and tokens: the common part of Draft and Verified. */
function parseRun(
  message: { epoch: number; position: number; tokens: number[] },
  most: number,
  vocabSize: number,
): DraftFrame {
  return {
    epoch: message.epoch,
    position: integer('position', message.position, 1, LIMITS.contextTokens),
    tokens: tokenIds('tokens', message.tokens, 1, most, vocabSize),
  }
}

function parseVerified(verified: Verified, vocabSize: number): VerifiedFrame {
  const frame = parseRun(verified, LIMITS.verifiedTokens, vocabSize)
  const drafted = integer('drafted', verified.drafted, 0, UINT32)
  const accepted = integer('accepted', verified.accepted, 0, drafted)
  return drafted === 0 ? frame : { ...frame, account: { drafted, accepted } }
}

function parseAssign(assign: Assign, vocabSize: number): Assignment {
  if (!assign.settings) throw new ProtocolError('DECODE', 'Assign without settings')
  const assignment: Assignment = {
    id: assign.assignment,
    context: assign.context,
    promptLength: assign.promptLength,
    settings: parseSettings(assign.settings),
    key: { lo: assign.keyLo, hi: assign.keyHi },
    window: assign.window,
    endPosition: assign.endPosition,
    stopTokens: assign.stopTokens,
  }
  checkAssignment(assignment, vocabSize)
  return assignment
}

function parseSettings(settings: Settings): SamplingSettings {
  return { ...settings, logitBias: settings.logitBias.map(({ id, bias }) => [id, bias] as const) }
}

function assignMessage(assignment: Assignment): Assign {
  const { settings } = assignment
  return {
    assignment: assignment.id,
    context: [...assignment.context],
    promptLength: assignment.promptLength,
    settings: { ...settings, logitBias: settings.logitBias.map(([id, bias]) => ({ id, bias })) },
    keyLo: assignment.key.lo,
    keyHi: assignment.key.hi,
    window: assignment.window,
    endPosition: assignment.endPosition,
    stopTokens: [...assignment.stopTokens],
  }
}

function run(frame: DraftFrame): { epoch: number; position: number; tokens: number[] } {
  return { epoch: frame.epoch, position: frame.position, tokens: [...frame.tokens] }
}

/** Assignment ids start at 1; 0 in Refuse means the claim. */
function assignmentId(id: number): number {
  return integer('assignment', id, 1, UINT32)
}
