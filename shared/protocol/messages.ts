// @ts-nocheck
// Generated from messages.proto by `npm run protocol`. Do not edit.
/* eslint-disable require-yield */

import { decodeMessage, encodeMessage, MaxLengthError, message, streamMessage } from 'protons-runtime'
import { alloc as uint8ArrayAlloc } from 'uint8arrays/alloc'
import type { Codec, DecodeOptions } from 'protons-runtime'
import type { Uint8ArrayList } from 'uint8arraylist'

export interface Frame {
  claim?: Claim
  welcome?: Welcome
  refuse?: Refuse
  assign?: Assign
  draft?: Draft
  verified?: Verified
  done?: Done
}

export namespace Frame {
  let _codec: Codec<Frame>

  export const codec = (): Codec<Frame> => {
    if (_codec == null) {
      _codec = message<Frame>((obj, w, opts = {}) => {
        if (opts.lengthDelimited !== false) {
          w.fork()
        }

        if (obj.claim != null) {
          w.uint32(10)
          Claim.codec().encode(obj.claim, w)
        }

        if (obj.welcome != null) {
          w.uint32(18)
          Welcome.codec().encode(obj.welcome, w)
        }

        if (obj.refuse != null) {
          w.uint32(26)
          Refuse.codec().encode(obj.refuse, w)
        }

        if (obj.assign != null) {
          w.uint32(34)
          Assign.codec().encode(obj.assign, w)
        }

        if (obj.draft != null) {
          w.uint32(42)
          Draft.codec().encode(obj.draft, w)
        }

        if (obj.verified != null) {
          w.uint32(50)
          Verified.codec().encode(obj.verified, w)
        }

        if (obj.done != null) {
          w.uint32(58)
          Done.codec().encode(obj.done, w)
        }

        if (opts.lengthDelimited !== false) {
          w.ldelim()
        }
      }, (reader, length, opts = {}) => {
        const obj: any = {}

        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              obj.claim = Claim.codec().decode(reader, reader.uint32(), {
                limits: opts.limits?.claim
              })
              break
            }
            case 2: {
              obj.welcome = Welcome.codec().decode(reader, reader.uint32(), {
                limits: opts.limits?.welcome
              })
              break
            }
            case 3: {
              obj.refuse = Refuse.codec().decode(reader, reader.uint32(), {
                limits: opts.limits?.refuse
              })
              break
            }
            case 4: {
              obj.assign = Assign.codec().decode(reader, reader.uint32(), {
                limits: opts.limits?.assign
              })
              break
            }
            case 5: {
              obj.draft = Draft.codec().decode(reader, reader.uint32(), {
                limits: opts.limits?.draft
              })
              break
            }
            case 6: {
              obj.verified = Verified.codec().decode(reader, reader.uint32(), {
                limits: opts.limits?.verified
              })
              break
            }
            case 7: {
              obj.done = Done.codec().decode(reader, reader.uint32(), {
                limits: opts.limits?.done
              })
              break
            }
            default: {
              reader.skipType(tag & 7)
              break
            }
          }
        }

        return obj
      }, function * (reader, length, prefix, opts = {}) {
        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              yield * Claim.codec().stream(reader, reader.uint32(), `${prefix}.claim`, {
                limits: opts.limits?.claim
              })

              break
            }
            case 2: {
              yield * Welcome.codec().stream(reader, reader.uint32(), `${prefix}.welcome`, {
                limits: opts.limits?.welcome
              })

              break
            }
            case 3: {
              yield * Refuse.codec().stream(reader, reader.uint32(), `${prefix}.refuse`, {
                limits: opts.limits?.refuse
              })

              break
            }
            case 4: {
              yield * Assign.codec().stream(reader, reader.uint32(), `${prefix}.assign`, {
                limits: opts.limits?.assign
              })

              break
            }
            case 5: {
              yield * Draft.codec().stream(reader, reader.uint32(), `${prefix}.draft`, {
                limits: opts.limits?.draft
              })

              break
            }
            case 6: {
              yield * Verified.codec().stream(reader, reader.uint32(), `${prefix}.verified`, {
                limits: opts.limits?.verified
              })

              break
            }
            case 7: {
              yield * Done.codec().stream(reader, reader.uint32(), `${prefix}.done`, {
                limits: opts.limits?.done
              })

              break
            }
            default: {
              reader.skipType(tag & 7)
              break
            }
          }
        }
      })
    }

    return _codec
  }

  export interface FrameClaimDraftModelFieldEvent {
    field: '$.claim.draftModel'
    value: string
  }

  export interface FrameClaimTokenizerHashFieldEvent {
    field: '$.claim.tokenizerHash'
    value: Uint8Array<ArrayBuffer>
  }

  export interface FrameClaimCapacityFieldEvent {
    field: '$.claim.capacity'
    value: number
  }

  export interface FrameClaimSpeedFieldEvent {
    field: '$.claim.speed'
    value: number
  }

  export interface FrameClaimJobFieldEvent {
    field: '$.claim.job'
    value: Uint8Array<ArrayBuffer>
  }

  export interface FrameClaimContextLengthFieldEvent {
    field: '$.claim.contextLength'
    value: number
  }

  export interface FrameWelcomeTargetModelFieldEvent {
    field: '$.welcome.targetModel'
    value: string
  }

  export interface FrameRefuseAssignmentFieldEvent {
    field: '$.refuse.assignment'
    value: number
  }

  export interface FrameRefuseReasonFieldEvent {
    field: '$.refuse.reason'
    value: string
  }

  export interface FrameAssignAssignmentFieldEvent {
    field: '$.assign.assignment'
    value: number
  }

  export interface FrameAssignContextFieldEvent {
    field: '$.assign.context[]'
    index: number
    value: number
  }

  export interface FrameAssignPromptLengthFieldEvent {
    field: '$.assign.promptLength'
    value: number
  }

  export interface FrameAssignSettingsTemperatureFieldEvent {
    field: '$.assign.settings.temperature'
    value: number
  }

  export interface FrameAssignSettingsTopKFieldEvent {
    field: '$.assign.settings.topK'
    value: number
  }

  export interface FrameAssignSettingsTopPFieldEvent {
    field: '$.assign.settings.topP'
    value: number
  }

  export interface FrameAssignSettingsMinPFieldEvent {
    field: '$.assign.settings.minP'
    value: number
  }

  export interface FrameAssignSettingsRepetitionPenaltyFieldEvent {
    field: '$.assign.settings.repetitionPenalty'
    value: number
  }

  export interface FrameAssignSettingsFrequencyPenaltyFieldEvent {
    field: '$.assign.settings.frequencyPenalty'
    value: number
  }

  export interface FrameAssignSettingsPresencePenaltyFieldEvent {
    field: '$.assign.settings.presencePenalty'
    value: number
  }

  export interface FrameAssignSettingsLogitBiasIdFieldEvent {
    field: '$.assign.settings.logitBias[].id'
    value: number
    index: number
  }

  export interface FrameAssignSettingsLogitBiasBiasFieldEvent {
    field: '$.assign.settings.logitBias[].bias'
    value: number
    index: number
  }

  export interface FrameAssignKeyLoFieldEvent {
    field: '$.assign.keyLo'
    value: number
  }

  export interface FrameAssignKeyHiFieldEvent {
    field: '$.assign.keyHi'
    value: number
  }

  export interface FrameAssignWindowFieldEvent {
    field: '$.assign.window'
    value: number
  }

  export interface FrameAssignEndPositionFieldEvent {
    field: '$.assign.endPosition'
    value: number
  }

  export interface FrameAssignStopTokensFieldEvent {
    field: '$.assign.stopTokens[]'
    index: number
    value: number
  }

  export interface FrameDraftAssignmentFieldEvent {
    field: '$.draft.assignment'
    value: number
  }

  export interface FrameDraftEpochFieldEvent {
    field: '$.draft.epoch'
    value: number
  }

  export interface FrameDraftPositionFieldEvent {
    field: '$.draft.position'
    value: number
  }

  export interface FrameDraftTokensFieldEvent {
    field: '$.draft.tokens[]'
    index: number
    value: number
  }

  export interface FrameVerifiedAssignmentFieldEvent {
    field: '$.verified.assignment'
    value: number
  }

  export interface FrameVerifiedEpochFieldEvent {
    field: '$.verified.epoch'
    value: number
  }

  export interface FrameVerifiedPositionFieldEvent {
    field: '$.verified.position'
    value: number
  }

  export interface FrameVerifiedTokensFieldEvent {
    field: '$.verified.tokens[]'
    index: number
    value: number
  }

  export interface FrameVerifiedDraftedFieldEvent {
    field: '$.verified.drafted'
    value: number
  }

  export interface FrameVerifiedAcceptedFieldEvent {
    field: '$.verified.accepted'
    value: number
  }

  export interface FrameDoneAssignmentFieldEvent {
    field: '$.done.assignment'
    value: number
  }

  export interface FrameDoneReasonFieldEvent {
    field: '$.done.reason'
    value: string
  }

  export interface FrameDoneDraftedFieldEvent {
    field: '$.done.drafted'
    value: number
  }

  export interface FrameDoneAcceptedFieldEvent {
    field: '$.done.accepted'
    value: number
  }

  export interface FrameDoneMillisecondsFieldEvent {
    field: '$.done.milliseconds'
    value: number
  }

  export interface FrameDoneReceiptFieldEvent {
    field: '$.done.receipt'
    value: Uint8Array<ArrayBuffer>
  }

  export function encode (obj: Partial<Frame>): Uint8Array<ArrayBuffer> {
    return encodeMessage(obj, Frame.codec())
  }

  export function decode (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Frame>): Frame {
    return decodeMessage(buf, Frame.codec(), opts)
  }

  export function stream (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Frame>): Generator<FrameClaimDraftModelFieldEvent | FrameClaimTokenizerHashFieldEvent | FrameClaimCapacityFieldEvent | FrameClaimSpeedFieldEvent | FrameClaimJobFieldEvent | FrameClaimContextLengthFieldEvent | FrameWelcomeTargetModelFieldEvent | FrameRefuseAssignmentFieldEvent | FrameRefuseReasonFieldEvent | FrameAssignAssignmentFieldEvent | FrameAssignContextFieldEvent | FrameAssignPromptLengthFieldEvent | FrameAssignSettingsTemperatureFieldEvent | FrameAssignSettingsTopKFieldEvent | FrameAssignSettingsTopPFieldEvent | FrameAssignSettingsMinPFieldEvent | FrameAssignSettingsRepetitionPenaltyFieldEvent | FrameAssignSettingsFrequencyPenaltyFieldEvent | FrameAssignSettingsPresencePenaltyFieldEvent | FrameAssignSettingsLogitBiasIdFieldEvent | FrameAssignSettingsLogitBiasBiasFieldEvent | FrameAssignKeyLoFieldEvent | FrameAssignKeyHiFieldEvent | FrameAssignWindowFieldEvent | FrameAssignEndPositionFieldEvent | FrameAssignStopTokensFieldEvent | FrameDraftAssignmentFieldEvent | FrameDraftEpochFieldEvent | FrameDraftPositionFieldEvent | FrameDraftTokensFieldEvent | FrameVerifiedAssignmentFieldEvent | FrameVerifiedEpochFieldEvent | FrameVerifiedPositionFieldEvent | FrameVerifiedTokensFieldEvent | FrameVerifiedDraftedFieldEvent | FrameVerifiedAcceptedFieldEvent | FrameDoneAssignmentFieldEvent | FrameDoneReasonFieldEvent | FrameDoneDraftedFieldEvent | FrameDoneAcceptedFieldEvent | FrameDoneMillisecondsFieldEvent | FrameDoneReceiptFieldEvent> {
    return streamMessage(buf, Frame.codec(), opts)
  }
}

export interface Claim {
  draftModel: string
  tokenizerHash: Uint8Array<ArrayBuffer>
  capacity: number
  speed: number
  job: Uint8Array<ArrayBuffer>
  contextLength: number
}

export namespace Claim {
  let _codec: Codec<Claim>

  export const codec = (): Codec<Claim> => {
    if (_codec == null) {
      _codec = message<Claim>((obj, w, opts = {}) => {
        if (opts.lengthDelimited !== false) {
          w.fork()
        }

        if ((obj.draftModel != null && obj.draftModel !== '')) {
          w.uint32(10)
          w.string(obj.draftModel)
        }

        if ((obj.tokenizerHash != null && obj.tokenizerHash.byteLength > 0)) {
          w.uint32(18)
          w.bytes(obj.tokenizerHash)
        }

        if ((obj.capacity != null && obj.capacity !== 0)) {
          w.uint32(24)
          w.uint32(obj.capacity)
        }

        if ((obj.speed != null && obj.speed !== 0)) {
          w.uint32(33)
          w.double(obj.speed)
        }

        if ((obj.job != null && obj.job.byteLength > 0)) {
          w.uint32(42)
          w.bytes(obj.job)
        }

        if ((obj.contextLength != null && obj.contextLength !== 0)) {
          w.uint32(48)
          w.uint32(obj.contextLength)
        }

        if (opts.lengthDelimited !== false) {
          w.ldelim()
        }
      }, (reader, length, opts = {}) => {
        const obj: any = {
          draftModel: '',
          tokenizerHash: uint8ArrayAlloc(0),
          capacity: 0,
          speed: 0,
          job: uint8ArrayAlloc(0),
          contextLength: 0
        }

        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              obj.draftModel = reader.string()
              break
            }
            case 2: {
              obj.tokenizerHash = reader.bytes()
              break
            }
            case 3: {
              obj.capacity = reader.uint32()
              break
            }
            case 4: {
              obj.speed = reader.double()
              break
            }
            case 5: {
              obj.job = reader.bytes()
              break
            }
            case 6: {
              obj.contextLength = reader.uint32()
              break
            }
            default: {
              reader.skipType(tag & 7)
              break
            }
          }
        }

        return obj
      }, function * (reader, length, prefix, opts = {}) {
        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              yield {
                field: `${prefix}.draftModel`,
                value: reader.string()
              }
              break
            }
            case 2: {
              yield {
                field: `${prefix}.tokenizerHash`,
                value: reader.bytes()
              }
              break
            }
            case 3: {
              yield {
                field: `${prefix}.capacity`,
                value: reader.uint32()
              }
              break
            }
            case 4: {
              yield {
                field: `${prefix}.speed`,
                value: reader.double()
              }
              break
            }
            case 5: {
              yield {
                field: `${prefix}.job`,
                value: reader.bytes()
              }
              break
            }
            case 6: {
              yield {
                field: `${prefix}.contextLength`,
                value: reader.uint32()
              }
              break
            }
            default: {
              reader.skipType(tag & 7)
              break
            }
          }
        }
      })
    }

    return _codec
  }

  export interface ClaimDraftModelFieldEvent {
    field: '$.draftModel'
    value: string
  }

  export interface ClaimTokenizerHashFieldEvent {
    field: '$.tokenizerHash'
    value: Uint8Array<ArrayBuffer>
  }

  export interface ClaimCapacityFieldEvent {
    field: '$.capacity'
    value: number
  }

  export interface ClaimSpeedFieldEvent {
    field: '$.speed'
    value: number
  }

  export interface ClaimJobFieldEvent {
    field: '$.job'
    value: Uint8Array<ArrayBuffer>
  }

  export interface ClaimContextLengthFieldEvent {
    field: '$.contextLength'
    value: number
  }

  export function encode (obj: Partial<Claim>): Uint8Array<ArrayBuffer> {
    return encodeMessage(obj, Claim.codec())
  }

  export function decode (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Claim>): Claim {
    return decodeMessage(buf, Claim.codec(), opts)
  }

  export function stream (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Claim>): Generator<ClaimDraftModelFieldEvent | ClaimTokenizerHashFieldEvent | ClaimCapacityFieldEvent | ClaimSpeedFieldEvent | ClaimJobFieldEvent | ClaimContextLengthFieldEvent> {
    return streamMessage(buf, Claim.codec(), opts)
  }
}

export interface Welcome {
  targetModel: string
}

export namespace Welcome {
  let _codec: Codec<Welcome>

  export const codec = (): Codec<Welcome> => {
    if (_codec == null) {
      _codec = message<Welcome>((obj, w, opts = {}) => {
        if (opts.lengthDelimited !== false) {
          w.fork()
        }

        if ((obj.targetModel != null && obj.targetModel !== '')) {
          w.uint32(10)
          w.string(obj.targetModel)
        }

        if (opts.lengthDelimited !== false) {
          w.ldelim()
        }
      }, (reader, length, opts = {}) => {
        const obj: any = {
          targetModel: ''
        }

        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              obj.targetModel = reader.string()
              break
            }
            default: {
              reader.skipType(tag & 7)
              break
            }
          }
        }

        return obj
      }, function * (reader, length, prefix, opts = {}) {
        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              yield {
                field: `${prefix}.targetModel`,
                value: reader.string()
              }
              break
            }
            default: {
              reader.skipType(tag & 7)
              break
            }
          }
        }
      })
    }

    return _codec
  }

  export interface WelcomeTargetModelFieldEvent {
    field: '$.targetModel'
    value: string
  }

  export function encode (obj: Partial<Welcome>): Uint8Array<ArrayBuffer> {
    return encodeMessage(obj, Welcome.codec())
  }

  export function decode (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Welcome>): Welcome {
    return decodeMessage(buf, Welcome.codec(), opts)
  }

  export function stream (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Welcome>): Generator<WelcomeTargetModelFieldEvent> {
    return streamMessage(buf, Welcome.codec(), opts)
  }
}

export interface Refuse {
  assignment: number
  reason: string
}

export namespace Refuse {
  let _codec: Codec<Refuse>

  export const codec = (): Codec<Refuse> => {
    if (_codec == null) {
      _codec = message<Refuse>((obj, w, opts = {}) => {
        if (opts.lengthDelimited !== false) {
          w.fork()
        }

        if ((obj.assignment != null && obj.assignment !== 0)) {
          w.uint32(8)
          w.uint32(obj.assignment)
        }

        if ((obj.reason != null && obj.reason !== '')) {
          w.uint32(18)
          w.string(obj.reason)
        }

        if (opts.lengthDelimited !== false) {
          w.ldelim()
        }
      }, (reader, length, opts = {}) => {
        const obj: any = {
          assignment: 0,
          reason: ''
        }

        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              obj.assignment = reader.uint32()
              break
            }
            case 2: {
              obj.reason = reader.string()
              break
            }
            default: {
              reader.skipType(tag & 7)
              break
            }
          }
        }

        return obj
      }, function * (reader, length, prefix, opts = {}) {
        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              yield {
                field: `${prefix}.assignment`,
                value: reader.uint32()
              }
              break
            }
            case 2: {
              yield {
                field: `${prefix}.reason`,
                value: reader.string()
              }
              break
            }
            default: {
              reader.skipType(tag & 7)
              break
            }
          }
        }
      })
    }

    return _codec
  }

  export interface RefuseAssignmentFieldEvent {
    field: '$.assignment'
    value: number
  }

  export interface RefuseReasonFieldEvent {
    field: '$.reason'
    value: string
  }

  export function encode (obj: Partial<Refuse>): Uint8Array<ArrayBuffer> {
    return encodeMessage(obj, Refuse.codec())
  }

  export function decode (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Refuse>): Refuse {
    return decodeMessage(buf, Refuse.codec(), opts)
  }

  export function stream (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Refuse>): Generator<RefuseAssignmentFieldEvent | RefuseReasonFieldEvent> {
    return streamMessage(buf, Refuse.codec(), opts)
  }
}

export interface LogitBias {
  id: number
  bias: number
}

export namespace LogitBias {
  let _codec: Codec<LogitBias>

  export const codec = (): Codec<LogitBias> => {
    if (_codec == null) {
      _codec = message<LogitBias>((obj, w, opts = {}) => {
        if (opts.lengthDelimited !== false) {
          w.fork()
        }

        if ((obj.id != null && obj.id !== 0)) {
          w.uint32(8)
          w.uint32(obj.id)
        }

        if ((obj.bias != null && obj.bias !== 0)) {
          w.uint32(17)
          w.double(obj.bias)
        }

        if (opts.lengthDelimited !== false) {
          w.ldelim()
        }
      }, (reader, length, opts = {}) => {
        const obj: any = {
          id: 0,
          bias: 0
        }

        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              obj.id = reader.uint32()
              break
            }
            case 2: {
              obj.bias = reader.double()
              break
            }
            default: {
              reader.skipType(tag & 7)
              break
            }
          }
        }

        return obj
      }, function * (reader, length, prefix, opts = {}) {
        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              yield {
                field: `${prefix}.id`,
                value: reader.uint32()
              }
              break
            }
            case 2: {
              yield {
                field: `${prefix}.bias`,
                value: reader.double()
              }
              break
            }
            default: {
              reader.skipType(tag & 7)
              break
            }
          }
        }
      })
    }

    return _codec
  }

  export interface LogitBiasIdFieldEvent {
    field: '$.id'
    value: number
  }

  export interface LogitBiasBiasFieldEvent {
    field: '$.bias'
    value: number
  }

  export function encode (obj: Partial<LogitBias>): Uint8Array<ArrayBuffer> {
    return encodeMessage(obj, LogitBias.codec())
  }

  export function decode (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<LogitBias>): LogitBias {
    return decodeMessage(buf, LogitBias.codec(), opts)
  }

  export function stream (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<LogitBias>): Generator<LogitBiasIdFieldEvent | LogitBiasBiasFieldEvent> {
    return streamMessage(buf, LogitBias.codec(), opts)
  }
}

export interface Settings {
  temperature: number
  topK: number
  topP: number
  minP: number
  repetitionPenalty: number
  frequencyPenalty: number
  presencePenalty: number
  logitBias: LogitBias[]
}

export namespace Settings {
  let _codec: Codec<Settings>

  export const codec = (): Codec<Settings> => {
    if (_codec == null) {
      _codec = message<Settings>((obj, w, opts = {}) => {
        if (opts.lengthDelimited !== false) {
          w.fork()
        }

        if ((obj.temperature != null && obj.temperature !== 0)) {
          w.uint32(9)
          w.double(obj.temperature)
        }

        if ((obj.topK != null && obj.topK !== 0)) {
          w.uint32(16)
          w.uint32(obj.topK)
        }

        if ((obj.topP != null && obj.topP !== 0)) {
          w.uint32(25)
          w.double(obj.topP)
        }

        if ((obj.minP != null && obj.minP !== 0)) {
          w.uint32(33)
          w.double(obj.minP)
        }

        if ((obj.repetitionPenalty != null && obj.repetitionPenalty !== 0)) {
          w.uint32(41)
          w.double(obj.repetitionPenalty)
        }

        if ((obj.frequencyPenalty != null && obj.frequencyPenalty !== 0)) {
          w.uint32(49)
          w.double(obj.frequencyPenalty)
        }

        if ((obj.presencePenalty != null && obj.presencePenalty !== 0)) {
          w.uint32(57)
          w.double(obj.presencePenalty)
        }

        if (obj.logitBias != null && obj.logitBias.length > 0) {
          for (const value of obj.logitBias) {
            w.uint32(66)
            LogitBias.codec().encode(value, w)
          }
        }

        if (opts.lengthDelimited !== false) {
          w.ldelim()
        }
      }, (reader, length, opts = {}) => {
        const obj: any = {
          temperature: 0,
          topK: 0,
          topP: 0,
          minP: 0,
          repetitionPenalty: 0,
          frequencyPenalty: 0,
          presencePenalty: 0,
          logitBias: []
        }

        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              obj.temperature = reader.double()
              break
            }
            case 2: {
              obj.topK = reader.uint32()
              break
            }
            case 3: {
              obj.topP = reader.double()
              break
            }
            case 4: {
              obj.minP = reader.double()
              break
            }
            case 5: {
              obj.repetitionPenalty = reader.double()
              break
            }
            case 6: {
              obj.frequencyPenalty = reader.double()
              break
            }
            case 7: {
              obj.presencePenalty = reader.double()
              break
            }
            case 8: {
              if (opts.limits?.logitBias != null && obj.logitBias.length === opts.limits.logitBias) {
                throw new MaxLengthError('Decode error - repeated field "logitBias" had too many elements')
              }

              obj.logitBias.push(LogitBias.codec().decode(reader, reader.uint32(), {
                limits: opts.limits?.logitBias$
              }))
              break
            }
            default: {
              reader.skipType(tag & 7)
              break
            }
          }
        }

        return obj
      }, function * (reader, length, prefix, opts = {}) {
        const obj = {
          logitBias: 0
        }

        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              yield {
                field: `${prefix}.temperature`,
                value: reader.double()
              }
              break
            }
            case 2: {
              yield {
                field: `${prefix}.topK`,
                value: reader.uint32()
              }
              break
            }
            case 3: {
              yield {
                field: `${prefix}.topP`,
                value: reader.double()
              }
              break
            }
            case 4: {
              yield {
                field: `${prefix}.minP`,
                value: reader.double()
              }
              break
            }
            case 5: {
              yield {
                field: `${prefix}.repetitionPenalty`,
                value: reader.double()
              }
              break
            }
            case 6: {
              yield {
                field: `${prefix}.frequencyPenalty`,
                value: reader.double()
              }
              break
            }
            case 7: {
              yield {
                field: `${prefix}.presencePenalty`,
                value: reader.double()
              }
              break
            }
            case 8: {
              if (opts.limits?.logitBias != null && obj.logitBias === opts.limits.logitBias) {
                throw new MaxLengthError('Streaming decode error - repeated field "logitBias" had too many elements')
              }

              for (const evt of LogitBias.codec().stream(reader, reader.uint32(), `${prefix}.logitBias[]`, {
                limits: opts.limits?.logitBias$
              })) {
                yield {
                  ...evt,
                  index: obj.logitBias
                }
              }

              obj.logitBias++

              break
            }
            default: {
              reader.skipType(tag & 7)
              break
            }
          }
        }
      })
    }

    return _codec
  }

  export interface SettingsTemperatureFieldEvent {
    field: '$.temperature'
    value: number
  }

  export interface SettingsTopKFieldEvent {
    field: '$.topK'
    value: number
  }

  export interface SettingsTopPFieldEvent {
    field: '$.topP'
    value: number
  }

  export interface SettingsMinPFieldEvent {
    field: '$.minP'
    value: number
  }

  export interface SettingsRepetitionPenaltyFieldEvent {
    field: '$.repetitionPenalty'
    value: number
  }

  export interface SettingsFrequencyPenaltyFieldEvent {
    field: '$.frequencyPenalty'
    value: number
  }

  export interface SettingsPresencePenaltyFieldEvent {
    field: '$.presencePenalty'
    value: number
  }

  export interface SettingsLogitBiasIdFieldEvent {
    field: '$.logitBias[].id'
    value: number
    index: number
  }

  export interface SettingsLogitBiasBiasFieldEvent {
    field: '$.logitBias[].bias'
    value: number
    index: number
  }

  export function encode (obj: Partial<Settings>): Uint8Array<ArrayBuffer> {
    return encodeMessage(obj, Settings.codec())
  }

  export function decode (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Settings>): Settings {
    return decodeMessage(buf, Settings.codec(), opts)
  }

  export function stream (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Settings>): Generator<SettingsTemperatureFieldEvent | SettingsTopKFieldEvent | SettingsTopPFieldEvent | SettingsMinPFieldEvent | SettingsRepetitionPenaltyFieldEvent | SettingsFrequencyPenaltyFieldEvent | SettingsPresencePenaltyFieldEvent | SettingsLogitBiasIdFieldEvent | SettingsLogitBiasBiasFieldEvent> {
    return streamMessage(buf, Settings.codec(), opts)
  }
}

export interface Assign {
  assignment: number
  context: number[]
  promptLength: number
  settings?: Settings
  keyLo: number
  keyHi: number
  window: number
  endPosition: number
  stopTokens: number[]
}

export namespace Assign {
  let _codec: Codec<Assign>

  export const codec = (): Codec<Assign> => {
    if (_codec == null) {
      _codec = message<Assign>((obj, w, opts = {}) => {
        if (opts.lengthDelimited !== false) {
          w.fork()
        }

        if ((obj.assignment != null && obj.assignment !== 0)) {
          w.uint32(8)
          w.uint32(obj.assignment)
        }

        if (obj.context != null && obj.context.length > 0) {
          for (const value of obj.context) {
            w.uint32(16)
            w.uint32(value)
          }
        }

        if ((obj.promptLength != null && obj.promptLength !== 0)) {
          w.uint32(24)
          w.uint32(obj.promptLength)
        }

        if (obj.settings != null) {
          w.uint32(34)
          Settings.codec().encode(obj.settings, w)
        }

        if ((obj.keyLo != null && obj.keyLo !== 0)) {
          w.uint32(45)
          w.fixed32(obj.keyLo)
        }

        if ((obj.keyHi != null && obj.keyHi !== 0)) {
          w.uint32(53)
          w.fixed32(obj.keyHi)
        }

        if ((obj.window != null && obj.window !== 0)) {
          w.uint32(56)
          w.uint32(obj.window)
        }

        if ((obj.endPosition != null && obj.endPosition !== 0)) {
          w.uint32(64)
          w.uint32(obj.endPosition)
        }

        if (obj.stopTokens != null && obj.stopTokens.length > 0) {
          for (const value of obj.stopTokens) {
            w.uint32(72)
            w.uint32(value)
          }
        }

        if (opts.lengthDelimited !== false) {
          w.ldelim()
        }
      }, (reader, length, opts = {}) => {
        const obj: any = {
          assignment: 0,
          context: [],
          promptLength: 0,
          keyLo: 0,
          keyHi: 0,
          window: 0,
          endPosition: 0,
          stopTokens: []
        }

        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              obj.assignment = reader.uint32()
              break
            }
            case 2: {
              if (opts.limits?.context != null && obj.context.length === opts.limits.context) {
                throw new MaxLengthError('Decode error - repeated field "context" had too many elements')
              }

              obj.context.push(reader.uint32())
              break
            }
            case 3: {
              obj.promptLength = reader.uint32()
              break
            }
            case 4: {
              obj.settings = Settings.codec().decode(reader, reader.uint32(), {
                limits: opts.limits?.settings
              })
              break
            }
            case 5: {
              obj.keyLo = reader.fixed32()
              break
            }
            case 6: {
              obj.keyHi = reader.fixed32()
              break
            }
            case 7: {
              obj.window = reader.uint32()
              break
            }
            case 8: {
              obj.endPosition = reader.uint32()
              break
            }
            case 9: {
              if (opts.limits?.stopTokens != null && obj.stopTokens.length === opts.limits.stopTokens) {
                throw new MaxLengthError('Decode error - repeated field "stopTokens" had too many elements')
              }

              obj.stopTokens.push(reader.uint32())
              break
            }
            default: {
              reader.skipType(tag & 7)
              break
            }
          }
        }

        return obj
      }, function * (reader, length, prefix, opts = {}) {
        const obj = {
          context: 0,
          stopTokens: 0
        }

        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              yield {
                field: `${prefix}.assignment`,
                value: reader.uint32()
              }
              break
            }
            case 2: {
              if (opts.limits?.context != null && obj.context === opts.limits.context) {
                throw new MaxLengthError('Streaming decode error - repeated field "context" had too many elements')
              }

              yield {
                field: `${prefix}.context[]`,
                index: obj.context,
                value: reader.uint32()
              }

              obj.context++

              break
            }
            case 3: {
              yield {
                field: `${prefix}.promptLength`,
                value: reader.uint32()
              }
              break
            }
            case 4: {
              yield * Settings.codec().stream(reader, reader.uint32(), `${prefix}.settings`, {
                limits: opts.limits?.settings
              })

              break
            }
            case 5: {
              yield {
                field: `${prefix}.keyLo`,
                value: reader.fixed32()
              }
              break
            }
            case 6: {
              yield {
                field: `${prefix}.keyHi`,
                value: reader.fixed32()
              }
              break
            }
            case 7: {
              yield {
                field: `${prefix}.window`,
                value: reader.uint32()
              }
              break
            }
            case 8: {
              yield {
                field: `${prefix}.endPosition`,
                value: reader.uint32()
              }
              break
            }
            case 9: {
              if (opts.limits?.stopTokens != null && obj.stopTokens === opts.limits.stopTokens) {
                throw new MaxLengthError('Streaming decode error - repeated field "stopTokens" had too many elements')
              }

              yield {
                field: `${prefix}.stopTokens[]`,
                index: obj.stopTokens,
                value: reader.uint32()
              }

              obj.stopTokens++

              break
            }
            default: {
              reader.skipType(tag & 7)
              break
            }
          }
        }
      })
    }

    return _codec
  }

  export interface AssignAssignmentFieldEvent {
    field: '$.assignment'
    value: number
  }

  export interface AssignContextFieldEvent {
    field: '$.context[]'
    index: number
    value: number
  }

  export interface AssignPromptLengthFieldEvent {
    field: '$.promptLength'
    value: number
  }

  export interface AssignSettingsTemperatureFieldEvent {
    field: '$.settings.temperature'
    value: number
  }

  export interface AssignSettingsTopKFieldEvent {
    field: '$.settings.topK'
    value: number
  }

  export interface AssignSettingsTopPFieldEvent {
    field: '$.settings.topP'
    value: number
  }

  export interface AssignSettingsMinPFieldEvent {
    field: '$.settings.minP'
    value: number
  }

  export interface AssignSettingsRepetitionPenaltyFieldEvent {
    field: '$.settings.repetitionPenalty'
    value: number
  }

  export interface AssignSettingsFrequencyPenaltyFieldEvent {
    field: '$.settings.frequencyPenalty'
    value: number
  }

  export interface AssignSettingsPresencePenaltyFieldEvent {
    field: '$.settings.presencePenalty'
    value: number
  }

  export interface AssignSettingsLogitBiasIdFieldEvent {
    field: '$.settings.logitBias[].id'
    value: number
    index: number
  }

  export interface AssignSettingsLogitBiasBiasFieldEvent {
    field: '$.settings.logitBias[].bias'
    value: number
    index: number
  }

  export interface AssignKeyLoFieldEvent {
    field: '$.keyLo'
    value: number
  }

  export interface AssignKeyHiFieldEvent {
    field: '$.keyHi'
    value: number
  }

  export interface AssignWindowFieldEvent {
    field: '$.window'
    value: number
  }

  export interface AssignEndPositionFieldEvent {
    field: '$.endPosition'
    value: number
  }

  export interface AssignStopTokensFieldEvent {
    field: '$.stopTokens[]'
    index: number
    value: number
  }

  export function encode (obj: Partial<Assign>): Uint8Array<ArrayBuffer> {
    return encodeMessage(obj, Assign.codec())
  }

  export function decode (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Assign>): Assign {
    return decodeMessage(buf, Assign.codec(), opts)
  }

  export function stream (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Assign>): Generator<AssignAssignmentFieldEvent | AssignContextFieldEvent | AssignPromptLengthFieldEvent | AssignSettingsTemperatureFieldEvent | AssignSettingsTopKFieldEvent | AssignSettingsTopPFieldEvent | AssignSettingsMinPFieldEvent | AssignSettingsRepetitionPenaltyFieldEvent | AssignSettingsFrequencyPenaltyFieldEvent | AssignSettingsPresencePenaltyFieldEvent | AssignSettingsLogitBiasIdFieldEvent | AssignSettingsLogitBiasBiasFieldEvent | AssignKeyLoFieldEvent | AssignKeyHiFieldEvent | AssignWindowFieldEvent | AssignEndPositionFieldEvent | AssignStopTokensFieldEvent> {
    return streamMessage(buf, Assign.codec(), opts)
  }
}

export interface Draft {
  assignment: number
  epoch: number
  position: number
  tokens: number[]
}

export namespace Draft {
  let _codec: Codec<Draft>

  export const codec = (): Codec<Draft> => {
    if (_codec == null) {
      _codec = message<Draft>((obj, w, opts = {}) => {
        if (opts.lengthDelimited !== false) {
          w.fork()
        }

        if ((obj.assignment != null && obj.assignment !== 0)) {
          w.uint32(8)
          w.uint32(obj.assignment)
        }

        if ((obj.epoch != null && obj.epoch !== 0)) {
          w.uint32(16)
          w.uint32(obj.epoch)
        }

        if ((obj.position != null && obj.position !== 0)) {
          w.uint32(24)
          w.uint32(obj.position)
        }

        if (obj.tokens != null && obj.tokens.length > 0) {
          for (const value of obj.tokens) {
            w.uint32(32)
            w.uint32(value)
          }
        }

        if (opts.lengthDelimited !== false) {
          w.ldelim()
        }
      }, (reader, length, opts = {}) => {
        const obj: any = {
          assignment: 0,
          epoch: 0,
          position: 0,
          tokens: []
        }

        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              obj.assignment = reader.uint32()
              break
            }
            case 2: {
              obj.epoch = reader.uint32()
              break
            }
            case 3: {
              obj.position = reader.uint32()
              break
            }
            case 4: {
              if (opts.limits?.tokens != null && obj.tokens.length === opts.limits.tokens) {
                throw new MaxLengthError('Decode error - repeated field "tokens" had too many elements')
              }

              obj.tokens.push(reader.uint32())
              break
            }
            default: {
              reader.skipType(tag & 7)
              break
            }
          }
        }

        return obj
      }, function * (reader, length, prefix, opts = {}) {
        const obj = {
          tokens: 0
        }

        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              yield {
                field: `${prefix}.assignment`,
                value: reader.uint32()
              }
              break
            }
            case 2: {
              yield {
                field: `${prefix}.epoch`,
                value: reader.uint32()
              }
              break
            }
            case 3: {
              yield {
                field: `${prefix}.position`,
                value: reader.uint32()
              }
              break
            }
            case 4: {
              if (opts.limits?.tokens != null && obj.tokens === opts.limits.tokens) {
                throw new MaxLengthError('Streaming decode error - repeated field "tokens" had too many elements')
              }

              yield {
                field: `${prefix}.tokens[]`,
                index: obj.tokens,
                value: reader.uint32()
              }

              obj.tokens++

              break
            }
            default: {
              reader.skipType(tag & 7)
              break
            }
          }
        }
      })
    }

    return _codec
  }

  export interface DraftAssignmentFieldEvent {
    field: '$.assignment'
    value: number
  }

  export interface DraftEpochFieldEvent {
    field: '$.epoch'
    value: number
  }

  export interface DraftPositionFieldEvent {
    field: '$.position'
    value: number
  }

  export interface DraftTokensFieldEvent {
    field: '$.tokens[]'
    index: number
    value: number
  }

  export function encode (obj: Partial<Draft>): Uint8Array<ArrayBuffer> {
    return encodeMessage(obj, Draft.codec())
  }

  export function decode (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Draft>): Draft {
    return decodeMessage(buf, Draft.codec(), opts)
  }

  export function stream (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Draft>): Generator<DraftAssignmentFieldEvent | DraftEpochFieldEvent | DraftPositionFieldEvent | DraftTokensFieldEvent> {
    return streamMessage(buf, Draft.codec(), opts)
  }
}

export interface Verified {
  assignment: number
  epoch: number
  position: number
  tokens: number[]
  drafted: number
  accepted: number
}

export namespace Verified {
  let _codec: Codec<Verified>

  export const codec = (): Codec<Verified> => {
    if (_codec == null) {
      _codec = message<Verified>((obj, w, opts = {}) => {
        if (opts.lengthDelimited !== false) {
          w.fork()
        }

        if ((obj.assignment != null && obj.assignment !== 0)) {
          w.uint32(8)
          w.uint32(obj.assignment)
        }

        if ((obj.epoch != null && obj.epoch !== 0)) {
          w.uint32(16)
          w.uint32(obj.epoch)
        }

        if ((obj.position != null && obj.position !== 0)) {
          w.uint32(24)
          w.uint32(obj.position)
        }

        if (obj.tokens != null && obj.tokens.length > 0) {
          for (const value of obj.tokens) {
            w.uint32(32)
            w.uint32(value)
          }
        }

        if ((obj.drafted != null && obj.drafted !== 0)) {
          w.uint32(40)
          w.uint32(obj.drafted)
        }

        if ((obj.accepted != null && obj.accepted !== 0)) {
          w.uint32(48)
          w.uint32(obj.accepted)
        }

        if (opts.lengthDelimited !== false) {
          w.ldelim()
        }
      }, (reader, length, opts = {}) => {
        const obj: any = {
          assignment: 0,
          epoch: 0,
          position: 0,
          tokens: [],
          drafted: 0,
          accepted: 0
        }

        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              obj.assignment = reader.uint32()
              break
            }
            case 2: {
              obj.epoch = reader.uint32()
              break
            }
            case 3: {
              obj.position = reader.uint32()
              break
            }
            case 4: {
              if (opts.limits?.tokens != null && obj.tokens.length === opts.limits.tokens) {
                throw new MaxLengthError('Decode error - repeated field "tokens" had too many elements')
              }

              obj.tokens.push(reader.uint32())
              break
            }
            case 5: {
              obj.drafted = reader.uint32()
              break
            }
            case 6: {
              obj.accepted = reader.uint32()
              break
            }
            default: {
              reader.skipType(tag & 7)
              break
            }
          }
        }

        return obj
      }, function * (reader, length, prefix, opts = {}) {
        const obj = {
          tokens: 0
        }

        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              yield {
                field: `${prefix}.assignment`,
                value: reader.uint32()
              }
              break
            }
            case 2: {
              yield {
                field: `${prefix}.epoch`,
                value: reader.uint32()
              }
              break
            }
            case 3: {
              yield {
                field: `${prefix}.position`,
                value: reader.uint32()
              }
              break
            }
            case 4: {
              if (opts.limits?.tokens != null && obj.tokens === opts.limits.tokens) {
                throw new MaxLengthError('Streaming decode error - repeated field "tokens" had too many elements')
              }

              yield {
                field: `${prefix}.tokens[]`,
                index: obj.tokens,
                value: reader.uint32()
              }

              obj.tokens++

              break
            }
            case 5: {
              yield {
                field: `${prefix}.drafted`,
                value: reader.uint32()
              }
              break
            }
            case 6: {
              yield {
                field: `${prefix}.accepted`,
                value: reader.uint32()
              }
              break
            }
            default: {
              reader.skipType(tag & 7)
              break
            }
          }
        }
      })
    }

    return _codec
  }

  export interface VerifiedAssignmentFieldEvent {
    field: '$.assignment'
    value: number
  }

  export interface VerifiedEpochFieldEvent {
    field: '$.epoch'
    value: number
  }

  export interface VerifiedPositionFieldEvent {
    field: '$.position'
    value: number
  }

  export interface VerifiedTokensFieldEvent {
    field: '$.tokens[]'
    index: number
    value: number
  }

  export interface VerifiedDraftedFieldEvent {
    field: '$.drafted'
    value: number
  }

  export interface VerifiedAcceptedFieldEvent {
    field: '$.accepted'
    value: number
  }

  export function encode (obj: Partial<Verified>): Uint8Array<ArrayBuffer> {
    return encodeMessage(obj, Verified.codec())
  }

  export function decode (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Verified>): Verified {
    return decodeMessage(buf, Verified.codec(), opts)
  }

  export function stream (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Verified>): Generator<VerifiedAssignmentFieldEvent | VerifiedEpochFieldEvent | VerifiedPositionFieldEvent | VerifiedTokensFieldEvent | VerifiedDraftedFieldEvent | VerifiedAcceptedFieldEvent> {
    return streamMessage(buf, Verified.codec(), opts)
  }
}

export interface Done {
  assignment: number
  reason: string
  drafted: number
  accepted: number
  milliseconds: number
  receipt: Uint8Array<ArrayBuffer>
}

export namespace Done {
  let _codec: Codec<Done>

  export const codec = (): Codec<Done> => {
    if (_codec == null) {
      _codec = message<Done>((obj, w, opts = {}) => {
        if (opts.lengthDelimited !== false) {
          w.fork()
        }

        if ((obj.assignment != null && obj.assignment !== 0)) {
          w.uint32(8)
          w.uint32(obj.assignment)
        }

        if ((obj.reason != null && obj.reason !== '')) {
          w.uint32(18)
          w.string(obj.reason)
        }

        if ((obj.drafted != null && obj.drafted !== 0)) {
          w.uint32(24)
          w.uint32(obj.drafted)
        }

        if ((obj.accepted != null && obj.accepted !== 0)) {
          w.uint32(32)
          w.uint32(obj.accepted)
        }

        if ((obj.milliseconds != null && obj.milliseconds !== 0)) {
          w.uint32(40)
          w.uint32(obj.milliseconds)
        }

        if ((obj.receipt != null && obj.receipt.byteLength > 0)) {
          w.uint32(50)
          w.bytes(obj.receipt)
        }

        if (opts.lengthDelimited !== false) {
          w.ldelim()
        }
      }, (reader, length, opts = {}) => {
        const obj: any = {
          assignment: 0,
          reason: '',
          drafted: 0,
          accepted: 0,
          milliseconds: 0,
          receipt: uint8ArrayAlloc(0)
        }

        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              obj.assignment = reader.uint32()
              break
            }
            case 2: {
              obj.reason = reader.string()
              break
            }
            case 3: {
              obj.drafted = reader.uint32()
              break
            }
            case 4: {
              obj.accepted = reader.uint32()
              break
            }
            case 5: {
              obj.milliseconds = reader.uint32()
              break
            }
            case 6: {
              obj.receipt = reader.bytes()
              break
            }
            default: {
              reader.skipType(tag & 7)
              break
            }
          }
        }

        return obj
      }, function * (reader, length, prefix, opts = {}) {
        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              yield {
                field: `${prefix}.assignment`,
                value: reader.uint32()
              }
              break
            }
            case 2: {
              yield {
                field: `${prefix}.reason`,
                value: reader.string()
              }
              break
            }
            case 3: {
              yield {
                field: `${prefix}.drafted`,
                value: reader.uint32()
              }
              break
            }
            case 4: {
              yield {
                field: `${prefix}.accepted`,
                value: reader.uint32()
              }
              break
            }
            case 5: {
              yield {
                field: `${prefix}.milliseconds`,
                value: reader.uint32()
              }
              break
            }
            case 6: {
              yield {
                field: `${prefix}.receipt`,
                value: reader.bytes()
              }
              break
            }
            default: {
              reader.skipType(tag & 7)
              break
            }
          }
        }
      })
    }

    return _codec
  }

  export interface DoneAssignmentFieldEvent {
    field: '$.assignment'
    value: number
  }

  export interface DoneReasonFieldEvent {
    field: '$.reason'
    value: string
  }

  export interface DoneDraftedFieldEvent {
    field: '$.drafted'
    value: number
  }

  export interface DoneAcceptedFieldEvent {
    field: '$.accepted'
    value: number
  }

  export interface DoneMillisecondsFieldEvent {
    field: '$.milliseconds'
    value: number
  }

  export interface DoneReceiptFieldEvent {
    field: '$.receipt'
    value: Uint8Array<ArrayBuffer>
  }

  export function encode (obj: Partial<Done>): Uint8Array<ArrayBuffer> {
    return encodeMessage(obj, Done.codec())
  }

  export function decode (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Done>): Done {
    return decodeMessage(buf, Done.codec(), opts)
  }

  export function stream (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Done>): Generator<DoneAssignmentFieldEvent | DoneReasonFieldEvent | DoneDraftedFieldEvent | DoneAcceptedFieldEvent | DoneMillisecondsFieldEvent | DoneReceiptFieldEvent> {
    return streamMessage(buf, Done.codec(), opts)
  }
}

export interface Offer {
  job: Uint8Array<ArrayBuffer>
  oracle: string
  addresses: string[]
  targetModel: string
  draftModel: string
  tokenizerHash: Uint8Array<ArrayBuffer>
  contextLength: number
  expectedTokens: number
  deadlineMs: number
  leastReputation: number
  wanted: number
  listeners: number
}

export namespace Offer {
  let _codec: Codec<Offer>

  export const codec = (): Codec<Offer> => {
    if (_codec == null) {
      _codec = message<Offer>((obj, w, opts = {}) => {
        if (opts.lengthDelimited !== false) {
          w.fork()
        }

        if ((obj.job != null && obj.job.byteLength > 0)) {
          w.uint32(10)
          w.bytes(obj.job)
        }

        if ((obj.oracle != null && obj.oracle !== '')) {
          w.uint32(18)
          w.string(obj.oracle)
        }

        if (obj.addresses != null && obj.addresses.length > 0) {
          for (const value of obj.addresses) {
            w.uint32(26)
            w.string(value)
          }
        }

        if ((obj.targetModel != null && obj.targetModel !== '')) {
          w.uint32(34)
          w.string(obj.targetModel)
        }

        if ((obj.draftModel != null && obj.draftModel !== '')) {
          w.uint32(42)
          w.string(obj.draftModel)
        }

        if ((obj.tokenizerHash != null && obj.tokenizerHash.byteLength > 0)) {
          w.uint32(50)
          w.bytes(obj.tokenizerHash)
        }

        if ((obj.contextLength != null && obj.contextLength !== 0)) {
          w.uint32(56)
          w.uint32(obj.contextLength)
        }

        if ((obj.expectedTokens != null && obj.expectedTokens !== 0)) {
          w.uint32(64)
          w.uint32(obj.expectedTokens)
        }

        if ((obj.deadlineMs != null && obj.deadlineMs !== 0)) {
          w.uint32(72)
          w.uint32(obj.deadlineMs)
        }

        if ((obj.leastReputation != null && obj.leastReputation !== 0)) {
          w.uint32(81)
          w.double(obj.leastReputation)
        }

        if ((obj.wanted != null && obj.wanted !== 0)) {
          w.uint32(88)
          w.uint32(obj.wanted)
        }

        if ((obj.listeners != null && obj.listeners !== 0)) {
          w.uint32(96)
          w.uint32(obj.listeners)
        }

        if (opts.lengthDelimited !== false) {
          w.ldelim()
        }
      }, (reader, length, opts = {}) => {
        const obj: any = {
          job: uint8ArrayAlloc(0),
          oracle: '',
          addresses: [],
          targetModel: '',
          draftModel: '',
          tokenizerHash: uint8ArrayAlloc(0),
          contextLength: 0,
          expectedTokens: 0,
          deadlineMs: 0,
          leastReputation: 0,
          wanted: 0,
          listeners: 0
        }

        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              obj.job = reader.bytes()
              break
            }
            case 2: {
              obj.oracle = reader.string()
              break
            }
            case 3: {
              if (opts.limits?.addresses != null && obj.addresses.length === opts.limits.addresses) {
                throw new MaxLengthError('Decode error - repeated field "addresses" had too many elements')
              }

              obj.addresses.push(reader.string())
              break
            }
            case 4: {
              obj.targetModel = reader.string()
              break
            }
            case 5: {
              obj.draftModel = reader.string()
              break
            }
            case 6: {
              obj.tokenizerHash = reader.bytes()
              break
            }
            case 7: {
              obj.contextLength = reader.uint32()
              break
            }
            case 8: {
              obj.expectedTokens = reader.uint32()
              break
            }
            case 9: {
              obj.deadlineMs = reader.uint32()
              break
            }
            case 10: {
              obj.leastReputation = reader.double()
              break
            }
            case 11: {
              obj.wanted = reader.uint32()
              break
            }
            case 12: {
              obj.listeners = reader.uint32()
              break
            }
            default: {
              reader.skipType(tag & 7)
              break
            }
          }
        }

        return obj
      }, function * (reader, length, prefix, opts = {}) {
        const obj = {
          addresses: 0
        }

        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              yield {
                field: `${prefix}.job`,
                value: reader.bytes()
              }
              break
            }
            case 2: {
              yield {
                field: `${prefix}.oracle`,
                value: reader.string()
              }
              break
            }
            case 3: {
              if (opts.limits?.addresses != null && obj.addresses === opts.limits.addresses) {
                throw new MaxLengthError('Streaming decode error - repeated field "addresses" had too many elements')
              }

              yield {
                field: `${prefix}.addresses[]`,
                index: obj.addresses,
                value: reader.string()
              }

              obj.addresses++

              break
            }
            case 4: {
              yield {
                field: `${prefix}.targetModel`,
                value: reader.string()
              }
              break
            }
            case 5: {
              yield {
                field: `${prefix}.draftModel`,
                value: reader.string()
              }
              break
            }
            case 6: {
              yield {
                field: `${prefix}.tokenizerHash`,
                value: reader.bytes()
              }
              break
            }
            case 7: {
              yield {
                field: `${prefix}.contextLength`,
                value: reader.uint32()
              }
              break
            }
            case 8: {
              yield {
                field: `${prefix}.expectedTokens`,
                value: reader.uint32()
              }
              break
            }
            case 9: {
              yield {
                field: `${prefix}.deadlineMs`,
                value: reader.uint32()
              }
              break
            }
            case 10: {
              yield {
                field: `${prefix}.leastReputation`,
                value: reader.double()
              }
              break
            }
            case 11: {
              yield {
                field: `${prefix}.wanted`,
                value: reader.uint32()
              }
              break
            }
            case 12: {
              yield {
                field: `${prefix}.listeners`,
                value: reader.uint32()
              }
              break
            }
            default: {
              reader.skipType(tag & 7)
              break
            }
          }
        }
      })
    }

    return _codec
  }

  export interface OfferJobFieldEvent {
    field: '$.job'
    value: Uint8Array<ArrayBuffer>
  }

  export interface OfferOracleFieldEvent {
    field: '$.oracle'
    value: string
  }

  export interface OfferAddressesFieldEvent {
    field: '$.addresses[]'
    index: number
    value: string
  }

  export interface OfferTargetModelFieldEvent {
    field: '$.targetModel'
    value: string
  }

  export interface OfferDraftModelFieldEvent {
    field: '$.draftModel'
    value: string
  }

  export interface OfferTokenizerHashFieldEvent {
    field: '$.tokenizerHash'
    value: Uint8Array<ArrayBuffer>
  }

  export interface OfferContextLengthFieldEvent {
    field: '$.contextLength'
    value: number
  }

  export interface OfferExpectedTokensFieldEvent {
    field: '$.expectedTokens'
    value: number
  }

  export interface OfferDeadlineMsFieldEvent {
    field: '$.deadlineMs'
    value: number
  }

  export interface OfferLeastReputationFieldEvent {
    field: '$.leastReputation'
    value: number
  }

  export interface OfferWantedFieldEvent {
    field: '$.wanted'
    value: number
  }

  export interface OfferListenersFieldEvent {
    field: '$.listeners'
    value: number
  }

  export function encode (obj: Partial<Offer>): Uint8Array<ArrayBuffer> {
    return encodeMessage(obj, Offer.codec())
  }

  export function decode (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Offer>): Offer {
    return decodeMessage(buf, Offer.codec(), opts)
  }

  export function stream (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Offer>): Generator<OfferJobFieldEvent | OfferOracleFieldEvent | OfferAddressesFieldEvent | OfferTargetModelFieldEvent | OfferDraftModelFieldEvent | OfferTokenizerHashFieldEvent | OfferContextLengthFieldEvent | OfferExpectedTokensFieldEvent | OfferDeadlineMsFieldEvent | OfferLeastReputationFieldEvent | OfferWantedFieldEvent | OfferListenersFieldEvent> {
    return streamMessage(buf, Offer.codec(), opts)
  }
}

export interface Result {
  job: Uint8Array<ArrayBuffer>
  oracle: string
  scout: string
  drafted: number
  accepted: number
  milliseconds: number
  credits: bigint
  draftModel: string
  counter: bigint
  issuedMs: bigint
}

export namespace Result {
  let _codec: Codec<Result>

  export const codec = (): Codec<Result> => {
    if (_codec == null) {
      _codec = message<Result>((obj, w, opts = {}) => {
        if (opts.lengthDelimited !== false) {
          w.fork()
        }

        if ((obj.job != null && obj.job.byteLength > 0)) {
          w.uint32(10)
          w.bytes(obj.job)
        }

        if ((obj.oracle != null && obj.oracle !== '')) {
          w.uint32(18)
          w.string(obj.oracle)
        }

        if ((obj.scout != null && obj.scout !== '')) {
          w.uint32(26)
          w.string(obj.scout)
        }

        if ((obj.drafted != null && obj.drafted !== 0)) {
          w.uint32(32)
          w.uint32(obj.drafted)
        }

        if ((obj.accepted != null && obj.accepted !== 0)) {
          w.uint32(40)
          w.uint32(obj.accepted)
        }

        if ((obj.milliseconds != null && obj.milliseconds !== 0)) {
          w.uint32(48)
          w.uint32(obj.milliseconds)
        }

        if ((obj.credits != null && obj.credits !== 0n)) {
          w.uint32(56)
          w.uint64(obj.credits)
        }

        if ((obj.draftModel != null && obj.draftModel !== '')) {
          w.uint32(66)
          w.string(obj.draftModel)
        }

        if ((obj.counter != null && obj.counter !== 0n)) {
          w.uint32(72)
          w.uint64(obj.counter)
        }

        if ((obj.issuedMs != null && obj.issuedMs !== 0n)) {
          w.uint32(80)
          w.uint64(obj.issuedMs)
        }

        if (opts.lengthDelimited !== false) {
          w.ldelim()
        }
      }, (reader, length, opts = {}) => {
        const obj: any = {
          job: uint8ArrayAlloc(0),
          oracle: '',
          scout: '',
          drafted: 0,
          accepted: 0,
          milliseconds: 0,
          credits: 0n,
          draftModel: '',
          counter: 0n,
          issuedMs: 0n
        }

        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              obj.job = reader.bytes()
              break
            }
            case 2: {
              obj.oracle = reader.string()
              break
            }
            case 3: {
              obj.scout = reader.string()
              break
            }
            case 4: {
              obj.drafted = reader.uint32()
              break
            }
            case 5: {
              obj.accepted = reader.uint32()
              break
            }
            case 6: {
              obj.milliseconds = reader.uint32()
              break
            }
            case 7: {
              obj.credits = reader.uint64()
              break
            }
            case 8: {
              obj.draftModel = reader.string()
              break
            }
            case 9: {
              obj.counter = reader.uint64()
              break
            }
            case 10: {
              obj.issuedMs = reader.uint64()
              break
            }
            default: {
              reader.skipType(tag & 7)
              break
            }
          }
        }

        return obj
      }, function * (reader, length, prefix, opts = {}) {
        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              yield {
                field: `${prefix}.job`,
                value: reader.bytes()
              }
              break
            }
            case 2: {
              yield {
                field: `${prefix}.oracle`,
                value: reader.string()
              }
              break
            }
            case 3: {
              yield {
                field: `${prefix}.scout`,
                value: reader.string()
              }
              break
            }
            case 4: {
              yield {
                field: `${prefix}.drafted`,
                value: reader.uint32()
              }
              break
            }
            case 5: {
              yield {
                field: `${prefix}.accepted`,
                value: reader.uint32()
              }
              break
            }
            case 6: {
              yield {
                field: `${prefix}.milliseconds`,
                value: reader.uint32()
              }
              break
            }
            case 7: {
              yield {
                field: `${prefix}.credits`,
                value: reader.uint64()
              }
              break
            }
            case 8: {
              yield {
                field: `${prefix}.draftModel`,
                value: reader.string()
              }
              break
            }
            case 9: {
              yield {
                field: `${prefix}.counter`,
                value: reader.uint64()
              }
              break
            }
            case 10: {
              yield {
                field: `${prefix}.issuedMs`,
                value: reader.uint64()
              }
              break
            }
            default: {
              reader.skipType(tag & 7)
              break
            }
          }
        }
      })
    }

    return _codec
  }

  export interface ResultJobFieldEvent {
    field: '$.job'
    value: Uint8Array<ArrayBuffer>
  }

  export interface ResultOracleFieldEvent {
    field: '$.oracle'
    value: string
  }

  export interface ResultScoutFieldEvent {
    field: '$.scout'
    value: string
  }

  export interface ResultDraftedFieldEvent {
    field: '$.drafted'
    value: number
  }

  export interface ResultAcceptedFieldEvent {
    field: '$.accepted'
    value: number
  }

  export interface ResultMillisecondsFieldEvent {
    field: '$.milliseconds'
    value: number
  }

  export interface ResultCreditsFieldEvent {
    field: '$.credits'
    value: bigint
  }

  export interface ResultDraftModelFieldEvent {
    field: '$.draftModel'
    value: string
  }

  export interface ResultCounterFieldEvent {
    field: '$.counter'
    value: bigint
  }

  export interface ResultIssuedMsFieldEvent {
    field: '$.issuedMs'
    value: bigint
  }

  export function encode (obj: Partial<Result>): Uint8Array<ArrayBuffer> {
    return encodeMessage(obj, Result.codec())
  }

  export function decode (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Result>): Result {
    return decodeMessage(buf, Result.codec(), opts)
  }

  export function stream (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Result>): Generator<ResultJobFieldEvent | ResultOracleFieldEvent | ResultScoutFieldEvent | ResultDraftedFieldEvent | ResultAcceptedFieldEvent | ResultMillisecondsFieldEvent | ResultCreditsFieldEvent | ResultDraftModelFieldEvent | ResultCounterFieldEvent | ResultIssuedMsFieldEvent> {
    return streamMessage(buf, Result.codec(), opts)
  }
}

export interface SignedResult {
  result: Uint8Array<ArrayBuffer>
  signature: Uint8Array<ArrayBuffer>
}

export namespace SignedResult {
  let _codec: Codec<SignedResult>

  export const codec = (): Codec<SignedResult> => {
    if (_codec == null) {
      _codec = message<SignedResult>((obj, w, opts = {}) => {
        if (opts.lengthDelimited !== false) {
          w.fork()
        }

        if ((obj.result != null && obj.result.byteLength > 0)) {
          w.uint32(10)
          w.bytes(obj.result)
        }

        if ((obj.signature != null && obj.signature.byteLength > 0)) {
          w.uint32(18)
          w.bytes(obj.signature)
        }

        if (opts.lengthDelimited !== false) {
          w.ldelim()
        }
      }, (reader, length, opts = {}) => {
        const obj: any = {
          result: uint8ArrayAlloc(0),
          signature: uint8ArrayAlloc(0)
        }

        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              obj.result = reader.bytes()
              break
            }
            case 2: {
              obj.signature = reader.bytes()
              break
            }
            default: {
              reader.skipType(tag & 7)
              break
            }
          }
        }

        return obj
      }, function * (reader, length, prefix, opts = {}) {
        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              yield {
                field: `${prefix}.result`,
                value: reader.bytes()
              }
              break
            }
            case 2: {
              yield {
                field: `${prefix}.signature`,
                value: reader.bytes()
              }
              break
            }
            default: {
              reader.skipType(tag & 7)
              break
            }
          }
        }
      })
    }

    return _codec
  }

  export interface SignedResultResultFieldEvent {
    field: '$.result'
    value: Uint8Array<ArrayBuffer>
  }

  export interface SignedResultSignatureFieldEvent {
    field: '$.signature'
    value: Uint8Array<ArrayBuffer>
  }

  export function encode (obj: Partial<SignedResult>): Uint8Array<ArrayBuffer> {
    return encodeMessage(obj, SignedResult.codec())
  }

  export function decode (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<SignedResult>): SignedResult {
    return decodeMessage(buf, SignedResult.codec(), opts)
  }

  export function stream (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<SignedResult>): Generator<SignedResultResultFieldEvent | SignedResultSignatureFieldEvent> {
    return streamMessage(buf, SignedResult.codec(), opts)
  }
}

export interface PairFrame {
  pair?: Pair
  paired?: Paired
  refuse?: Refuse
}

export namespace PairFrame {
  let _codec: Codec<PairFrame>

  export const codec = (): Codec<PairFrame> => {
    if (_codec == null) {
      _codec = message<PairFrame>((obj, w, opts = {}) => {
        if (opts.lengthDelimited !== false) {
          w.fork()
        }

        if (obj.pair != null) {
          w.uint32(10)
          Pair.codec().encode(obj.pair, w)
        }

        if (obj.paired != null) {
          w.uint32(18)
          Paired.codec().encode(obj.paired, w)
        }

        if (obj.refuse != null) {
          w.uint32(26)
          Refuse.codec().encode(obj.refuse, w)
        }

        if (opts.lengthDelimited !== false) {
          w.ldelim()
        }
      }, (reader, length, opts = {}) => {
        const obj: any = {}

        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              obj.pair = Pair.codec().decode(reader, reader.uint32(), {
                limits: opts.limits?.pair
              })
              break
            }
            case 2: {
              obj.paired = Paired.codec().decode(reader, reader.uint32(), {
                limits: opts.limits?.paired
              })
              break
            }
            case 3: {
              obj.refuse = Refuse.codec().decode(reader, reader.uint32(), {
                limits: opts.limits?.refuse
              })
              break
            }
            default: {
              reader.skipType(tag & 7)
              break
            }
          }
        }

        return obj
      }, function * (reader, length, prefix, opts = {}) {
        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              yield * Pair.codec().stream(reader, reader.uint32(), `${prefix}.pair`, {
                limits: opts.limits?.pair
              })

              break
            }
            case 2: {
              yield * Paired.codec().stream(reader, reader.uint32(), `${prefix}.paired`, {
                limits: opts.limits?.paired
              })

              break
            }
            case 3: {
              yield * Refuse.codec().stream(reader, reader.uint32(), `${prefix}.refuse`, {
                limits: opts.limits?.refuse
              })

              break
            }
            default: {
              reader.skipType(tag & 7)
              break
            }
          }
        }
      })
    }

    return _codec
  }

  export interface PairFramePairInviteFieldEvent {
    field: '$.pair.invite'
    value: Uint8Array<ArrayBuffer>
  }

  export interface PairFrameRefuseAssignmentFieldEvent {
    field: '$.refuse.assignment'
    value: number
  }

  export interface PairFrameRefuseReasonFieldEvent {
    field: '$.refuse.reason'
    value: string
  }

  export function encode (obj: Partial<PairFrame>): Uint8Array<ArrayBuffer> {
    return encodeMessage(obj, PairFrame.codec())
  }

  export function decode (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<PairFrame>): PairFrame {
    return decodeMessage(buf, PairFrame.codec(), opts)
  }

  export function stream (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<PairFrame>): Generator<PairFramePairInviteFieldEvent | PairFrameRefuseAssignmentFieldEvent | PairFrameRefuseReasonFieldEvent> {
    return streamMessage(buf, PairFrame.codec(), opts)
  }
}

export interface Pair {
  invite: Uint8Array<ArrayBuffer>
}

export namespace Pair {
  let _codec: Codec<Pair>

  export const codec = (): Codec<Pair> => {
    if (_codec == null) {
      _codec = message<Pair>((obj, w, opts = {}) => {
        if (opts.lengthDelimited !== false) {
          w.fork()
        }

        if ((obj.invite != null && obj.invite.byteLength > 0)) {
          w.uint32(10)
          w.bytes(obj.invite)
        }

        if (opts.lengthDelimited !== false) {
          w.ldelim()
        }
      }, (reader, length, opts = {}) => {
        const obj: any = {
          invite: uint8ArrayAlloc(0)
        }

        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              obj.invite = reader.bytes()
              break
            }
            default: {
              reader.skipType(tag & 7)
              break
            }
          }
        }

        return obj
      }, function * (reader, length, prefix, opts = {}) {
        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              yield {
                field: `${prefix}.invite`,
                value: reader.bytes()
              }
              break
            }
            default: {
              reader.skipType(tag & 7)
              break
            }
          }
        }
      })
    }

    return _codec
  }

  export interface PairInviteFieldEvent {
    field: '$.invite'
    value: Uint8Array<ArrayBuffer>
  }

  export function encode (obj: Partial<Pair>): Uint8Array<ArrayBuffer> {
    return encodeMessage(obj, Pair.codec())
  }

  export function decode (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Pair>): Pair {
    return decodeMessage(buf, Pair.codec(), opts)
  }

  export function stream (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Pair>): Generator<PairInviteFieldEvent> {
    return streamMessage(buf, Pair.codec(), opts)
  }
}

export interface Paired {}

export namespace Paired {
  let _codec: Codec<Paired>

  export const codec = (): Codec<Paired> => {
    if (_codec == null) {
      _codec = message<Paired>((obj, w, opts = {}) => {
        if (opts.lengthDelimited !== false) {
          w.fork()
        }

        if (opts.lengthDelimited !== false) {
          w.ldelim()
        }
      }, (reader, length, opts = {}) => {
        const obj: any = {}

        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            default: {
              reader.skipType(tag & 7)
              break
            }
          }
        }

        return obj
      }, function * (reader, length, prefix, opts = {}) {
        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            default: {
              reader.skipType(tag & 7)
              break
            }
          }
        }
      })
    }

    return _codec
  }

  export function encode (obj: Partial<Paired>): Uint8Array<ArrayBuffer> {
    return encodeMessage(obj, Paired.codec())
  }

  export function decode (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Paired>): Paired {
    return decodeMessage(buf, Paired.codec(), opts)
  }

  export function stream (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Paired>): Generator<{}> {
    return streamMessage(buf, Paired.codec(), opts)
  }
}

export interface GenerateFrame {
  request?: GenerateRequest
  infoRequest?: InfoRequest
  begin?: Begin
  tokens?: Tokens
  finish?: Finish
  failure?: Failure
  info?: Info
}

export namespace GenerateFrame {
  let _codec: Codec<GenerateFrame>

  export const codec = (): Codec<GenerateFrame> => {
    if (_codec == null) {
      _codec = message<GenerateFrame>((obj, w, opts = {}) => {
        if (opts.lengthDelimited !== false) {
          w.fork()
        }

        if (obj.request != null) {
          w.uint32(10)
          GenerateRequest.codec().encode(obj.request, w)
        }

        if (obj.infoRequest != null) {
          w.uint32(18)
          InfoRequest.codec().encode(obj.infoRequest, w)
        }

        if (obj.begin != null) {
          w.uint32(26)
          Begin.codec().encode(obj.begin, w)
        }

        if (obj.tokens != null) {
          w.uint32(34)
          Tokens.codec().encode(obj.tokens, w)
        }

        if (obj.finish != null) {
          w.uint32(42)
          Finish.codec().encode(obj.finish, w)
        }

        if (obj.failure != null) {
          w.uint32(50)
          Failure.codec().encode(obj.failure, w)
        }

        if (obj.info != null) {
          w.uint32(58)
          Info.codec().encode(obj.info, w)
        }

        if (opts.lengthDelimited !== false) {
          w.ldelim()
        }
      }, (reader, length, opts = {}) => {
        const obj: any = {}

        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              obj.request = GenerateRequest.codec().decode(reader, reader.uint32(), {
                limits: opts.limits?.request
              })
              break
            }
            case 2: {
              obj.infoRequest = InfoRequest.codec().decode(reader, reader.uint32(), {
                limits: opts.limits?.infoRequest
              })
              break
            }
            case 3: {
              obj.begin = Begin.codec().decode(reader, reader.uint32(), {
                limits: opts.limits?.begin
              })
              break
            }
            case 4: {
              obj.tokens = Tokens.codec().decode(reader, reader.uint32(), {
                limits: opts.limits?.tokens
              })
              break
            }
            case 5: {
              obj.finish = Finish.codec().decode(reader, reader.uint32(), {
                limits: opts.limits?.finish
              })
              break
            }
            case 6: {
              obj.failure = Failure.codec().decode(reader, reader.uint32(), {
                limits: opts.limits?.failure
              })
              break
            }
            case 7: {
              obj.info = Info.codec().decode(reader, reader.uint32(), {
                limits: opts.limits?.info
              })
              break
            }
            default: {
              reader.skipType(tag & 7)
              break
            }
          }
        }

        return obj
      }, function * (reader, length, prefix, opts = {}) {
        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              yield * GenerateRequest.codec().stream(reader, reader.uint32(), `${prefix}.request`, {
                limits: opts.limits?.request
              })

              break
            }
            case 2: {
              yield * InfoRequest.codec().stream(reader, reader.uint32(), `${prefix}.infoRequest`, {
                limits: opts.limits?.infoRequest
              })

              break
            }
            case 3: {
              yield * Begin.codec().stream(reader, reader.uint32(), `${prefix}.begin`, {
                limits: opts.limits?.begin
              })

              break
            }
            case 4: {
              yield * Tokens.codec().stream(reader, reader.uint32(), `${prefix}.tokens`, {
                limits: opts.limits?.tokens
              })

              break
            }
            case 5: {
              yield * Finish.codec().stream(reader, reader.uint32(), `${prefix}.finish`, {
                limits: opts.limits?.finish
              })

              break
            }
            case 6: {
              yield * Failure.codec().stream(reader, reader.uint32(), `${prefix}.failure`, {
                limits: opts.limits?.failure
              })

              break
            }
            case 7: {
              yield * Info.codec().stream(reader, reader.uint32(), `${prefix}.info`, {
                limits: opts.limits?.info
              })

              break
            }
            default: {
              reader.skipType(tag & 7)
              break
            }
          }
        }
      })
    }

    return _codec
  }

  export interface GenerateFrameRequestMessagesRoleFieldEvent {
    field: '$.request.messages[].role'
    value: string
    index: number
  }

  export interface GenerateFrameRequestMessagesContentFieldEvent {
    field: '$.request.messages[].content'
    value: string
    index: number
  }

  export interface GenerateFrameRequestSamplingTemperatureFieldEvent {
    field: '$.request.sampling.temperature'
    value: number
  }

  export interface GenerateFrameRequestSamplingTopKFieldEvent {
    field: '$.request.sampling.topK'
    value: number
  }

  export interface GenerateFrameRequestSamplingTopPFieldEvent {
    field: '$.request.sampling.topP'
    value: number
  }

  export interface GenerateFrameRequestSamplingMinPFieldEvent {
    field: '$.request.sampling.minP'
    value: number
  }

  export interface GenerateFrameRequestSamplingRepetitionPenaltyFieldEvent {
    field: '$.request.sampling.repetitionPenalty'
    value: number
  }

  export interface GenerateFrameRequestSamplingFrequencyPenaltyFieldEvent {
    field: '$.request.sampling.frequencyPenalty'
    value: number
  }

  export interface GenerateFrameRequestSamplingPresencePenaltyFieldEvent {
    field: '$.request.sampling.presencePenalty'
    value: number
  }

  export interface GenerateFrameRequestSamplingLogitBiasIdFieldEvent {
    field: '$.request.sampling.logitBias[].id'
    value: number
    index: number
  }

  export interface GenerateFrameRequestSamplingLogitBiasBiasFieldEvent {
    field: '$.request.sampling.logitBias[].bias'
    value: number
    index: number
  }

  export interface GenerateFrameRequestMaxTokensFieldEvent {
    field: '$.request.maxTokens'
    value: number
  }

  export interface GenerateFrameRequestSeedFieldEvent {
    field: '$.request.seed'
    value: bigint
  }

  export interface GenerateFrameRequestStopFieldEvent {
    field: '$.request.stop[]'
    index: number
    value: string
  }

  export interface GenerateFrameRequestScopeFieldEvent {
    field: '$.request.scope'
    value: string
  }

  export interface GenerateFrameRequestModelFieldEvent {
    field: '$.request.model'
    value: string
  }

  export interface GenerateFrameBeginModelFieldEvent {
    field: '$.begin.model'
    value: string
  }

  export interface GenerateFrameBeginSeedFieldEvent {
    field: '$.begin.seed'
    value: bigint
  }

  export interface GenerateFrameBeginScopeFieldEvent {
    field: '$.begin.scope'
    value: string
  }

  export interface GenerateFrameTokensPiecesTextFieldEvent {
    field: '$.tokens.pieces[].text'
    value: string
    index: number
  }

  export interface GenerateFrameTokensPiecesWorkerFieldEvent {
    field: '$.tokens.pieces[].worker'
    value: string
    index: number
  }

  export interface GenerateFrameFinishReasonFieldEvent {
    field: '$.finish.reason'
    value: string
  }

  export interface GenerateFrameFinishPromptTokensFieldEvent {
    field: '$.finish.promptTokens'
    value: number
  }

  export interface GenerateFrameFinishCachedTokensFieldEvent {
    field: '$.finish.cachedTokens'
    value: number
  }

  export interface GenerateFrameFinishCompletionTokensFieldEvent {
    field: '$.finish.completionTokens'
    value: number
  }

  export interface GenerateFrameFinishAcceptedFieldEvent {
    field: '$.finish.accepted'
    value: number
  }

  export interface GenerateFrameFinishRejectedFieldEvent {
    field: '$.finish.rejected'
    value: number
  }

  export interface GenerateFrameFailureCodeFieldEvent {
    field: '$.failure.code'
    value: string
  }

  export interface GenerateFrameFailureMessageFieldEvent {
    field: '$.failure.message'
    value: string
  }

  export interface GenerateFrameFailureRetryAfterFieldEvent {
    field: '$.failure.retryAfter'
    value: number
  }

  export interface GenerateFrameInfoModelFieldEvent {
    field: '$.info.model'
    value: string
  }

  export interface GenerateFrameInfoModelIdFieldEvent {
    field: '$.info.modelId'
    value: string
  }

  export interface GenerateFrameInfoContextLengthFieldEvent {
    field: '$.info.contextLength'
    value: number
  }

  export interface GenerateFrameInfoEngineFieldEvent {
    field: '$.info.engine'
    value: string
  }

  export interface GenerateFrameInfoPaceMsFieldEvent {
    field: '$.info.paceMs'
    value: number
  }

  export interface GenerateFrameInfoScopeFieldEvent {
    field: '$.info.scope'
    value: string
  }

  export interface GenerateFrameInfoSlotsFieldEvent {
    field: '$.info.slots'
    value: number
  }

  export interface GenerateFrameInfoRunningFieldEvent {
    field: '$.info.running'
    value: number
  }

  export interface GenerateFrameInfoQueuedFieldEvent {
    field: '$.info.queued'
    value: number
  }

  export interface GenerateFrameInfoScoutsFieldEvent {
    field: '$.info.scouts[]'
    index: number
    value: string
  }

  export function encode (obj: Partial<GenerateFrame>): Uint8Array<ArrayBuffer> {
    return encodeMessage(obj, GenerateFrame.codec())
  }

  export function decode (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<GenerateFrame>): GenerateFrame {
    return decodeMessage(buf, GenerateFrame.codec(), opts)
  }

  export function stream (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<GenerateFrame>): Generator<GenerateFrameRequestMessagesRoleFieldEvent | GenerateFrameRequestMessagesContentFieldEvent | GenerateFrameRequestSamplingTemperatureFieldEvent | GenerateFrameRequestSamplingTopKFieldEvent | GenerateFrameRequestSamplingTopPFieldEvent | GenerateFrameRequestSamplingMinPFieldEvent | GenerateFrameRequestSamplingRepetitionPenaltyFieldEvent | GenerateFrameRequestSamplingFrequencyPenaltyFieldEvent | GenerateFrameRequestSamplingPresencePenaltyFieldEvent | GenerateFrameRequestSamplingLogitBiasIdFieldEvent | GenerateFrameRequestSamplingLogitBiasBiasFieldEvent | GenerateFrameRequestMaxTokensFieldEvent | GenerateFrameRequestSeedFieldEvent | GenerateFrameRequestStopFieldEvent | GenerateFrameRequestScopeFieldEvent | GenerateFrameRequestModelFieldEvent | GenerateFrameBeginModelFieldEvent | GenerateFrameBeginSeedFieldEvent | GenerateFrameBeginScopeFieldEvent | GenerateFrameTokensPiecesTextFieldEvent | GenerateFrameTokensPiecesWorkerFieldEvent | GenerateFrameFinishReasonFieldEvent | GenerateFrameFinishPromptTokensFieldEvent | GenerateFrameFinishCachedTokensFieldEvent | GenerateFrameFinishCompletionTokensFieldEvent | GenerateFrameFinishAcceptedFieldEvent | GenerateFrameFinishRejectedFieldEvent | GenerateFrameFailureCodeFieldEvent | GenerateFrameFailureMessageFieldEvent | GenerateFrameFailureRetryAfterFieldEvent | GenerateFrameInfoModelFieldEvent | GenerateFrameInfoModelIdFieldEvent | GenerateFrameInfoContextLengthFieldEvent | GenerateFrameInfoEngineFieldEvent | GenerateFrameInfoPaceMsFieldEvent | GenerateFrameInfoScopeFieldEvent | GenerateFrameInfoSlotsFieldEvent | GenerateFrameInfoRunningFieldEvent | GenerateFrameInfoQueuedFieldEvent | GenerateFrameInfoScoutsFieldEvent> {
    return streamMessage(buf, GenerateFrame.codec(), opts)
  }
}

export interface GenerateRequest {
  messages: Turn[]
  sampling?: Sampling
  maxTokens: number
  seed?: bigint
  stop: string[]
  scope: string
  model: string
}

export namespace GenerateRequest {
  let _codec: Codec<GenerateRequest>

  export const codec = (): Codec<GenerateRequest> => {
    if (_codec == null) {
      _codec = message<GenerateRequest>((obj, w, opts = {}) => {
        if (opts.lengthDelimited !== false) {
          w.fork()
        }

        if (obj.messages != null && obj.messages.length > 0) {
          for (const value of obj.messages) {
            w.uint32(10)
            Turn.codec().encode(value, w)
          }
        }

        if (obj.sampling != null) {
          w.uint32(18)
          Sampling.codec().encode(obj.sampling, w)
        }

        if ((obj.maxTokens != null && obj.maxTokens !== 0)) {
          w.uint32(24)
          w.uint32(obj.maxTokens)
        }

        if (obj.seed != null) {
          w.uint32(32)
          w.uint64(obj.seed)
        }

        if (obj.stop != null && obj.stop.length > 0) {
          for (const value of obj.stop) {
            w.uint32(42)
            w.string(value)
          }
        }

        if ((obj.scope != null && obj.scope !== '')) {
          w.uint32(50)
          w.string(obj.scope)
        }

        if ((obj.model != null && obj.model !== '')) {
          w.uint32(58)
          w.string(obj.model)
        }

        if (opts.lengthDelimited !== false) {
          w.ldelim()
        }
      }, (reader, length, opts = {}) => {
        const obj: any = {
          messages: [],
          maxTokens: 0,
          stop: [],
          scope: '',
          model: ''
        }

        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              if (opts.limits?.messages != null && obj.messages.length === opts.limits.messages) {
                throw new MaxLengthError('Decode error - repeated field "messages" had too many elements')
              }

              obj.messages.push(Turn.codec().decode(reader, reader.uint32(), {
                limits: opts.limits?.messages$
              }))
              break
            }
            case 2: {
              obj.sampling = Sampling.codec().decode(reader, reader.uint32(), {
                limits: opts.limits?.sampling
              })
              break
            }
            case 3: {
              obj.maxTokens = reader.uint32()
              break
            }
            case 4: {
              obj.seed = reader.uint64()
              break
            }
            case 5: {
              if (opts.limits?.stop != null && obj.stop.length === opts.limits.stop) {
                throw new MaxLengthError('Decode error - repeated field "stop" had too many elements')
              }

              obj.stop.push(reader.string())
              break
            }
            case 6: {
              obj.scope = reader.string()
              break
            }
            case 7: {
              obj.model = reader.string()
              break
            }
            default: {
              reader.skipType(tag & 7)
              break
            }
          }
        }

        return obj
      }, function * (reader, length, prefix, opts = {}) {
        const obj = {
          messages: 0,
          stop: 0
        }

        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              if (opts.limits?.messages != null && obj.messages === opts.limits.messages) {
                throw new MaxLengthError('Streaming decode error - repeated field "messages" had too many elements')
              }

              for (const evt of Turn.codec().stream(reader, reader.uint32(), `${prefix}.messages[]`, {
                limits: opts.limits?.messages$
              })) {
                yield {
                  ...evt,
                  index: obj.messages
                }
              }

              obj.messages++

              break
            }
            case 2: {
              yield * Sampling.codec().stream(reader, reader.uint32(), `${prefix}.sampling`, {
                limits: opts.limits?.sampling
              })

              break
            }
            case 3: {
              yield {
                field: `${prefix}.maxTokens`,
                value: reader.uint32()
              }
              break
            }
            case 4: {
              yield {
                field: `${prefix}.seed`,
                value: reader.uint64()
              }
              break
            }
            case 5: {
              if (opts.limits?.stop != null && obj.stop === opts.limits.stop) {
                throw new MaxLengthError('Streaming decode error - repeated field "stop" had too many elements')
              }

              yield {
                field: `${prefix}.stop[]`,
                index: obj.stop,
                value: reader.string()
              }

              obj.stop++

              break
            }
            case 6: {
              yield {
                field: `${prefix}.scope`,
                value: reader.string()
              }
              break
            }
            case 7: {
              yield {
                field: `${prefix}.model`,
                value: reader.string()
              }
              break
            }
            default: {
              reader.skipType(tag & 7)
              break
            }
          }
        }
      })
    }

    return _codec
  }

  export interface GenerateRequestMessagesRoleFieldEvent {
    field: '$.messages[].role'
    value: string
    index: number
  }

  export interface GenerateRequestMessagesContentFieldEvent {
    field: '$.messages[].content'
    value: string
    index: number
  }

  export interface GenerateRequestSamplingTemperatureFieldEvent {
    field: '$.sampling.temperature'
    value: number
  }

  export interface GenerateRequestSamplingTopKFieldEvent {
    field: '$.sampling.topK'
    value: number
  }

  export interface GenerateRequestSamplingTopPFieldEvent {
    field: '$.sampling.topP'
    value: number
  }

  export interface GenerateRequestSamplingMinPFieldEvent {
    field: '$.sampling.minP'
    value: number
  }

  export interface GenerateRequestSamplingRepetitionPenaltyFieldEvent {
    field: '$.sampling.repetitionPenalty'
    value: number
  }

  export interface GenerateRequestSamplingFrequencyPenaltyFieldEvent {
    field: '$.sampling.frequencyPenalty'
    value: number
  }

  export interface GenerateRequestSamplingPresencePenaltyFieldEvent {
    field: '$.sampling.presencePenalty'
    value: number
  }

  export interface GenerateRequestSamplingLogitBiasIdFieldEvent {
    field: '$.sampling.logitBias[].id'
    value: number
    index: number
  }

  export interface GenerateRequestSamplingLogitBiasBiasFieldEvent {
    field: '$.sampling.logitBias[].bias'
    value: number
    index: number
  }

  export interface GenerateRequestMaxTokensFieldEvent {
    field: '$.maxTokens'
    value: number
  }

  export interface GenerateRequestSeedFieldEvent {
    field: '$.seed'
    value: bigint
  }

  export interface GenerateRequestStopFieldEvent {
    field: '$.stop[]'
    index: number
    value: string
  }

  export interface GenerateRequestScopeFieldEvent {
    field: '$.scope'
    value: string
  }

  export interface GenerateRequestModelFieldEvent {
    field: '$.model'
    value: string
  }

  export function encode (obj: Partial<GenerateRequest>): Uint8Array<ArrayBuffer> {
    return encodeMessage(obj, GenerateRequest.codec())
  }

  export function decode (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<GenerateRequest>): GenerateRequest {
    return decodeMessage(buf, GenerateRequest.codec(), opts)
  }

  export function stream (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<GenerateRequest>): Generator<GenerateRequestMessagesRoleFieldEvent | GenerateRequestMessagesContentFieldEvent | GenerateRequestSamplingTemperatureFieldEvent | GenerateRequestSamplingTopKFieldEvent | GenerateRequestSamplingTopPFieldEvent | GenerateRequestSamplingMinPFieldEvent | GenerateRequestSamplingRepetitionPenaltyFieldEvent | GenerateRequestSamplingFrequencyPenaltyFieldEvent | GenerateRequestSamplingPresencePenaltyFieldEvent | GenerateRequestSamplingLogitBiasIdFieldEvent | GenerateRequestSamplingLogitBiasBiasFieldEvent | GenerateRequestMaxTokensFieldEvent | GenerateRequestSeedFieldEvent | GenerateRequestStopFieldEvent | GenerateRequestScopeFieldEvent | GenerateRequestModelFieldEvent> {
    return streamMessage(buf, GenerateRequest.codec(), opts)
  }
}

export interface Turn {
  role: string
  content: string
}

export namespace Turn {
  let _codec: Codec<Turn>

  export const codec = (): Codec<Turn> => {
    if (_codec == null) {
      _codec = message<Turn>((obj, w, opts = {}) => {
        if (opts.lengthDelimited !== false) {
          w.fork()
        }

        if ((obj.role != null && obj.role !== '')) {
          w.uint32(10)
          w.string(obj.role)
        }

        if ((obj.content != null && obj.content !== '')) {
          w.uint32(18)
          w.string(obj.content)
        }

        if (opts.lengthDelimited !== false) {
          w.ldelim()
        }
      }, (reader, length, opts = {}) => {
        const obj: any = {
          role: '',
          content: ''
        }

        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              obj.role = reader.string()
              break
            }
            case 2: {
              obj.content = reader.string()
              break
            }
            default: {
              reader.skipType(tag & 7)
              break
            }
          }
        }

        return obj
      }, function * (reader, length, prefix, opts = {}) {
        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              yield {
                field: `${prefix}.role`,
                value: reader.string()
              }
              break
            }
            case 2: {
              yield {
                field: `${prefix}.content`,
                value: reader.string()
              }
              break
            }
            default: {
              reader.skipType(tag & 7)
              break
            }
          }
        }
      })
    }

    return _codec
  }

  export interface TurnRoleFieldEvent {
    field: '$.role'
    value: string
  }

  export interface TurnContentFieldEvent {
    field: '$.content'
    value: string
  }

  export function encode (obj: Partial<Turn>): Uint8Array<ArrayBuffer> {
    return encodeMessage(obj, Turn.codec())
  }

  export function decode (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Turn>): Turn {
    return decodeMessage(buf, Turn.codec(), opts)
  }

  export function stream (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Turn>): Generator<TurnRoleFieldEvent | TurnContentFieldEvent> {
    return streamMessage(buf, Turn.codec(), opts)
  }
}

export interface Sampling {
  temperature?: number
  topK?: number
  topP?: number
  minP?: number
  repetitionPenalty?: number
  frequencyPenalty?: number
  presencePenalty?: number
  logitBias: LogitBias[]
}

export namespace Sampling {
  let _codec: Codec<Sampling>

  export const codec = (): Codec<Sampling> => {
    if (_codec == null) {
      _codec = message<Sampling>((obj, w, opts = {}) => {
        if (opts.lengthDelimited !== false) {
          w.fork()
        }

        if (obj.temperature != null) {
          w.uint32(9)
          w.double(obj.temperature)
        }

        if (obj.topK != null) {
          w.uint32(16)
          w.uint32(obj.topK)
        }

        if (obj.topP != null) {
          w.uint32(25)
          w.double(obj.topP)
        }

        if (obj.minP != null) {
          w.uint32(33)
          w.double(obj.minP)
        }

        if (obj.repetitionPenalty != null) {
          w.uint32(41)
          w.double(obj.repetitionPenalty)
        }

        if (obj.frequencyPenalty != null) {
          w.uint32(49)
          w.double(obj.frequencyPenalty)
        }

        if (obj.presencePenalty != null) {
          w.uint32(57)
          w.double(obj.presencePenalty)
        }

        if (obj.logitBias != null && obj.logitBias.length > 0) {
          for (const value of obj.logitBias) {
            w.uint32(66)
            LogitBias.codec().encode(value, w)
          }
        }

        if (opts.lengthDelimited !== false) {
          w.ldelim()
        }
      }, (reader, length, opts = {}) => {
        const obj: any = {
          logitBias: []
        }

        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              obj.temperature = reader.double()
              break
            }
            case 2: {
              obj.topK = reader.uint32()
              break
            }
            case 3: {
              obj.topP = reader.double()
              break
            }
            case 4: {
              obj.minP = reader.double()
              break
            }
            case 5: {
              obj.repetitionPenalty = reader.double()
              break
            }
            case 6: {
              obj.frequencyPenalty = reader.double()
              break
            }
            case 7: {
              obj.presencePenalty = reader.double()
              break
            }
            case 8: {
              if (opts.limits?.logitBias != null && obj.logitBias.length === opts.limits.logitBias) {
                throw new MaxLengthError('Decode error - repeated field "logitBias" had too many elements')
              }

              obj.logitBias.push(LogitBias.codec().decode(reader, reader.uint32(), {
                limits: opts.limits?.logitBias$
              }))
              break
            }
            default: {
              reader.skipType(tag & 7)
              break
            }
          }
        }

        return obj
      }, function * (reader, length, prefix, opts = {}) {
        const obj = {
          logitBias: 0
        }

        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              yield {
                field: `${prefix}.temperature`,
                value: reader.double()
              }
              break
            }
            case 2: {
              yield {
                field: `${prefix}.topK`,
                value: reader.uint32()
              }
              break
            }
            case 3: {
              yield {
                field: `${prefix}.topP`,
                value: reader.double()
              }
              break
            }
            case 4: {
              yield {
                field: `${prefix}.minP`,
                value: reader.double()
              }
              break
            }
            case 5: {
              yield {
                field: `${prefix}.repetitionPenalty`,
                value: reader.double()
              }
              break
            }
            case 6: {
              yield {
                field: `${prefix}.frequencyPenalty`,
                value: reader.double()
              }
              break
            }
            case 7: {
              yield {
                field: `${prefix}.presencePenalty`,
                value: reader.double()
              }
              break
            }
            case 8: {
              if (opts.limits?.logitBias != null && obj.logitBias === opts.limits.logitBias) {
                throw new MaxLengthError('Streaming decode error - repeated field "logitBias" had too many elements')
              }

              for (const evt of LogitBias.codec().stream(reader, reader.uint32(), `${prefix}.logitBias[]`, {
                limits: opts.limits?.logitBias$
              })) {
                yield {
                  ...evt,
                  index: obj.logitBias
                }
              }

              obj.logitBias++

              break
            }
            default: {
              reader.skipType(tag & 7)
              break
            }
          }
        }
      })
    }

    return _codec
  }

  export interface SamplingTemperatureFieldEvent {
    field: '$.temperature'
    value: number
  }

  export interface SamplingTopKFieldEvent {
    field: '$.topK'
    value: number
  }

  export interface SamplingTopPFieldEvent {
    field: '$.topP'
    value: number
  }

  export interface SamplingMinPFieldEvent {
    field: '$.minP'
    value: number
  }

  export interface SamplingRepetitionPenaltyFieldEvent {
    field: '$.repetitionPenalty'
    value: number
  }

  export interface SamplingFrequencyPenaltyFieldEvent {
    field: '$.frequencyPenalty'
    value: number
  }

  export interface SamplingPresencePenaltyFieldEvent {
    field: '$.presencePenalty'
    value: number
  }

  export interface SamplingLogitBiasIdFieldEvent {
    field: '$.logitBias[].id'
    value: number
    index: number
  }

  export interface SamplingLogitBiasBiasFieldEvent {
    field: '$.logitBias[].bias'
    value: number
    index: number
  }

  export function encode (obj: Partial<Sampling>): Uint8Array<ArrayBuffer> {
    return encodeMessage(obj, Sampling.codec())
  }

  export function decode (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Sampling>): Sampling {
    return decodeMessage(buf, Sampling.codec(), opts)
  }

  export function stream (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Sampling>): Generator<SamplingTemperatureFieldEvent | SamplingTopKFieldEvent | SamplingTopPFieldEvent | SamplingMinPFieldEvent | SamplingRepetitionPenaltyFieldEvent | SamplingFrequencyPenaltyFieldEvent | SamplingPresencePenaltyFieldEvent | SamplingLogitBiasIdFieldEvent | SamplingLogitBiasBiasFieldEvent> {
    return streamMessage(buf, Sampling.codec(), opts)
  }
}

export interface InfoRequest {}

export namespace InfoRequest {
  let _codec: Codec<InfoRequest>

  export const codec = (): Codec<InfoRequest> => {
    if (_codec == null) {
      _codec = message<InfoRequest>((obj, w, opts = {}) => {
        if (opts.lengthDelimited !== false) {
          w.fork()
        }

        if (opts.lengthDelimited !== false) {
          w.ldelim()
        }
      }, (reader, length, opts = {}) => {
        const obj: any = {}

        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            default: {
              reader.skipType(tag & 7)
              break
            }
          }
        }

        return obj
      }, function * (reader, length, prefix, opts = {}) {
        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            default: {
              reader.skipType(tag & 7)
              break
            }
          }
        }
      })
    }

    return _codec
  }

  export function encode (obj: Partial<InfoRequest>): Uint8Array<ArrayBuffer> {
    return encodeMessage(obj, InfoRequest.codec())
  }

  export function decode (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<InfoRequest>): InfoRequest {
    return decodeMessage(buf, InfoRequest.codec(), opts)
  }

  export function stream (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<InfoRequest>): Generator<{}> {
    return streamMessage(buf, InfoRequest.codec(), opts)
  }
}

export interface Begin {
  model: string
  seed: bigint
  scope: string
}

export namespace Begin {
  let _codec: Codec<Begin>

  export const codec = (): Codec<Begin> => {
    if (_codec == null) {
      _codec = message<Begin>((obj, w, opts = {}) => {
        if (opts.lengthDelimited !== false) {
          w.fork()
        }

        if ((obj.model != null && obj.model !== '')) {
          w.uint32(10)
          w.string(obj.model)
        }

        if ((obj.seed != null && obj.seed !== 0n)) {
          w.uint32(16)
          w.uint64(obj.seed)
        }

        if ((obj.scope != null && obj.scope !== '')) {
          w.uint32(26)
          w.string(obj.scope)
        }

        if (opts.lengthDelimited !== false) {
          w.ldelim()
        }
      }, (reader, length, opts = {}) => {
        const obj: any = {
          model: '',
          seed: 0n,
          scope: ''
        }

        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              obj.model = reader.string()
              break
            }
            case 2: {
              obj.seed = reader.uint64()
              break
            }
            case 3: {
              obj.scope = reader.string()
              break
            }
            default: {
              reader.skipType(tag & 7)
              break
            }
          }
        }

        return obj
      }, function * (reader, length, prefix, opts = {}) {
        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              yield {
                field: `${prefix}.model`,
                value: reader.string()
              }
              break
            }
            case 2: {
              yield {
                field: `${prefix}.seed`,
                value: reader.uint64()
              }
              break
            }
            case 3: {
              yield {
                field: `${prefix}.scope`,
                value: reader.string()
              }
              break
            }
            default: {
              reader.skipType(tag & 7)
              break
            }
          }
        }
      })
    }

    return _codec
  }

  export interface BeginModelFieldEvent {
    field: '$.model'
    value: string
  }

  export interface BeginSeedFieldEvent {
    field: '$.seed'
    value: bigint
  }

  export interface BeginScopeFieldEvent {
    field: '$.scope'
    value: string
  }

  export function encode (obj: Partial<Begin>): Uint8Array<ArrayBuffer> {
    return encodeMessage(obj, Begin.codec())
  }

  export function decode (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Begin>): Begin {
    return decodeMessage(buf, Begin.codec(), opts)
  }

  export function stream (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Begin>): Generator<BeginModelFieldEvent | BeginSeedFieldEvent | BeginScopeFieldEvent> {
    return streamMessage(buf, Begin.codec(), opts)
  }
}

export interface Tokens {
  pieces: Piece[]
}

export namespace Tokens {
  let _codec: Codec<Tokens>

  export const codec = (): Codec<Tokens> => {
    if (_codec == null) {
      _codec = message<Tokens>((obj, w, opts = {}) => {
        if (opts.lengthDelimited !== false) {
          w.fork()
        }

        if (obj.pieces != null && obj.pieces.length > 0) {
          for (const value of obj.pieces) {
            w.uint32(10)
            Piece.codec().encode(value, w)
          }
        }

        if (opts.lengthDelimited !== false) {
          w.ldelim()
        }
      }, (reader, length, opts = {}) => {
        const obj: any = {
          pieces: []
        }

        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              if (opts.limits?.pieces != null && obj.pieces.length === opts.limits.pieces) {
                throw new MaxLengthError('Decode error - repeated field "pieces" had too many elements')
              }

              obj.pieces.push(Piece.codec().decode(reader, reader.uint32(), {
                limits: opts.limits?.pieces$
              }))
              break
            }
            default: {
              reader.skipType(tag & 7)
              break
            }
          }
        }

        return obj
      }, function * (reader, length, prefix, opts = {}) {
        const obj = {
          pieces: 0
        }

        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              if (opts.limits?.pieces != null && obj.pieces === opts.limits.pieces) {
                throw new MaxLengthError('Streaming decode error - repeated field "pieces" had too many elements')
              }

              for (const evt of Piece.codec().stream(reader, reader.uint32(), `${prefix}.pieces[]`, {
                limits: opts.limits?.pieces$
              })) {
                yield {
                  ...evt,
                  index: obj.pieces
                }
              }

              obj.pieces++

              break
            }
            default: {
              reader.skipType(tag & 7)
              break
            }
          }
        }
      })
    }

    return _codec
  }

  export interface TokensPiecesTextFieldEvent {
    field: '$.pieces[].text'
    value: string
    index: number
  }

  export interface TokensPiecesWorkerFieldEvent {
    field: '$.pieces[].worker'
    value: string
    index: number
  }

  export function encode (obj: Partial<Tokens>): Uint8Array<ArrayBuffer> {
    return encodeMessage(obj, Tokens.codec())
  }

  export function decode (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Tokens>): Tokens {
    return decodeMessage(buf, Tokens.codec(), opts)
  }

  export function stream (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Tokens>): Generator<TokensPiecesTextFieldEvent | TokensPiecesWorkerFieldEvent> {
    return streamMessage(buf, Tokens.codec(), opts)
  }
}

export interface Piece {
  text: string
  worker: string
}

export namespace Piece {
  let _codec: Codec<Piece>

  export const codec = (): Codec<Piece> => {
    if (_codec == null) {
      _codec = message<Piece>((obj, w, opts = {}) => {
        if (opts.lengthDelimited !== false) {
          w.fork()
        }

        if ((obj.text != null && obj.text !== '')) {
          w.uint32(10)
          w.string(obj.text)
        }

        if ((obj.worker != null && obj.worker !== '')) {
          w.uint32(18)
          w.string(obj.worker)
        }

        if (opts.lengthDelimited !== false) {
          w.ldelim()
        }
      }, (reader, length, opts = {}) => {
        const obj: any = {
          text: '',
          worker: ''
        }

        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              obj.text = reader.string()
              break
            }
            case 2: {
              obj.worker = reader.string()
              break
            }
            default: {
              reader.skipType(tag & 7)
              break
            }
          }
        }

        return obj
      }, function * (reader, length, prefix, opts = {}) {
        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              yield {
                field: `${prefix}.text`,
                value: reader.string()
              }
              break
            }
            case 2: {
              yield {
                field: `${prefix}.worker`,
                value: reader.string()
              }
              break
            }
            default: {
              reader.skipType(tag & 7)
              break
            }
          }
        }
      })
    }

    return _codec
  }

  export interface PieceTextFieldEvent {
    field: '$.text'
    value: string
  }

  export interface PieceWorkerFieldEvent {
    field: '$.worker'
    value: string
  }

  export function encode (obj: Partial<Piece>): Uint8Array<ArrayBuffer> {
    return encodeMessage(obj, Piece.codec())
  }

  export function decode (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Piece>): Piece {
    return decodeMessage(buf, Piece.codec(), opts)
  }

  export function stream (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Piece>): Generator<PieceTextFieldEvent | PieceWorkerFieldEvent> {
    return streamMessage(buf, Piece.codec(), opts)
  }
}

export interface Finish {
  reason: string
  promptTokens: number
  cachedTokens: number
  completionTokens: number
  accepted: number
  rejected: number
}

export namespace Finish {
  let _codec: Codec<Finish>

  export const codec = (): Codec<Finish> => {
    if (_codec == null) {
      _codec = message<Finish>((obj, w, opts = {}) => {
        if (opts.lengthDelimited !== false) {
          w.fork()
        }

        if ((obj.reason != null && obj.reason !== '')) {
          w.uint32(10)
          w.string(obj.reason)
        }

        if ((obj.promptTokens != null && obj.promptTokens !== 0)) {
          w.uint32(16)
          w.uint32(obj.promptTokens)
        }

        if ((obj.cachedTokens != null && obj.cachedTokens !== 0)) {
          w.uint32(24)
          w.uint32(obj.cachedTokens)
        }

        if ((obj.completionTokens != null && obj.completionTokens !== 0)) {
          w.uint32(32)
          w.uint32(obj.completionTokens)
        }

        if ((obj.accepted != null && obj.accepted !== 0)) {
          w.uint32(40)
          w.uint32(obj.accepted)
        }

        if ((obj.rejected != null && obj.rejected !== 0)) {
          w.uint32(48)
          w.uint32(obj.rejected)
        }

        if (opts.lengthDelimited !== false) {
          w.ldelim()
        }
      }, (reader, length, opts = {}) => {
        const obj: any = {
          reason: '',
          promptTokens: 0,
          cachedTokens: 0,
          completionTokens: 0,
          accepted: 0,
          rejected: 0
        }

        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              obj.reason = reader.string()
              break
            }
            case 2: {
              obj.promptTokens = reader.uint32()
              break
            }
            case 3: {
              obj.cachedTokens = reader.uint32()
              break
            }
            case 4: {
              obj.completionTokens = reader.uint32()
              break
            }
            case 5: {
              obj.accepted = reader.uint32()
              break
            }
            case 6: {
              obj.rejected = reader.uint32()
              break
            }
            default: {
              reader.skipType(tag & 7)
              break
            }
          }
        }

        return obj
      }, function * (reader, length, prefix, opts = {}) {
        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              yield {
                field: `${prefix}.reason`,
                value: reader.string()
              }
              break
            }
            case 2: {
              yield {
                field: `${prefix}.promptTokens`,
                value: reader.uint32()
              }
              break
            }
            case 3: {
              yield {
                field: `${prefix}.cachedTokens`,
                value: reader.uint32()
              }
              break
            }
            case 4: {
              yield {
                field: `${prefix}.completionTokens`,
                value: reader.uint32()
              }
              break
            }
            case 5: {
              yield {
                field: `${prefix}.accepted`,
                value: reader.uint32()
              }
              break
            }
            case 6: {
              yield {
                field: `${prefix}.rejected`,
                value: reader.uint32()
              }
              break
            }
            default: {
              reader.skipType(tag & 7)
              break
            }
          }
        }
      })
    }

    return _codec
  }

  export interface FinishReasonFieldEvent {
    field: '$.reason'
    value: string
  }

  export interface FinishPromptTokensFieldEvent {
    field: '$.promptTokens'
    value: number
  }

  export interface FinishCachedTokensFieldEvent {
    field: '$.cachedTokens'
    value: number
  }

  export interface FinishCompletionTokensFieldEvent {
    field: '$.completionTokens'
    value: number
  }

  export interface FinishAcceptedFieldEvent {
    field: '$.accepted'
    value: number
  }

  export interface FinishRejectedFieldEvent {
    field: '$.rejected'
    value: number
  }

  export function encode (obj: Partial<Finish>): Uint8Array<ArrayBuffer> {
    return encodeMessage(obj, Finish.codec())
  }

  export function decode (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Finish>): Finish {
    return decodeMessage(buf, Finish.codec(), opts)
  }

  export function stream (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Finish>): Generator<FinishReasonFieldEvent | FinishPromptTokensFieldEvent | FinishCachedTokensFieldEvent | FinishCompletionTokensFieldEvent | FinishAcceptedFieldEvent | FinishRejectedFieldEvent> {
    return streamMessage(buf, Finish.codec(), opts)
  }
}

export interface Failure {
  code: string
  message: string
  retryAfter: number
}

export namespace Failure {
  let _codec: Codec<Failure>

  export const codec = (): Codec<Failure> => {
    if (_codec == null) {
      _codec = message<Failure>((obj, w, opts = {}) => {
        if (opts.lengthDelimited !== false) {
          w.fork()
        }

        if ((obj.code != null && obj.code !== '')) {
          w.uint32(10)
          w.string(obj.code)
        }

        if ((obj.message != null && obj.message !== '')) {
          w.uint32(18)
          w.string(obj.message)
        }

        if ((obj.retryAfter != null && obj.retryAfter !== 0)) {
          w.uint32(24)
          w.uint32(obj.retryAfter)
        }

        if (opts.lengthDelimited !== false) {
          w.ldelim()
        }
      }, (reader, length, opts = {}) => {
        const obj: any = {
          code: '',
          message: '',
          retryAfter: 0
        }

        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              obj.code = reader.string()
              break
            }
            case 2: {
              obj.message = reader.string()
              break
            }
            case 3: {
              obj.retryAfter = reader.uint32()
              break
            }
            default: {
              reader.skipType(tag & 7)
              break
            }
          }
        }

        return obj
      }, function * (reader, length, prefix, opts = {}) {
        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              yield {
                field: `${prefix}.code`,
                value: reader.string()
              }
              break
            }
            case 2: {
              yield {
                field: `${prefix}.message`,
                value: reader.string()
              }
              break
            }
            case 3: {
              yield {
                field: `${prefix}.retryAfter`,
                value: reader.uint32()
              }
              break
            }
            default: {
              reader.skipType(tag & 7)
              break
            }
          }
        }
      })
    }

    return _codec
  }

  export interface FailureCodeFieldEvent {
    field: '$.code'
    value: string
  }

  export interface FailureMessageFieldEvent {
    field: '$.message'
    value: string
  }

  export interface FailureRetryAfterFieldEvent {
    field: '$.retryAfter'
    value: number
  }

  export function encode (obj: Partial<Failure>): Uint8Array<ArrayBuffer> {
    return encodeMessage(obj, Failure.codec())
  }

  export function decode (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Failure>): Failure {
    return decodeMessage(buf, Failure.codec(), opts)
  }

  export function stream (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Failure>): Generator<FailureCodeFieldEvent | FailureMessageFieldEvent | FailureRetryAfterFieldEvent> {
    return streamMessage(buf, Failure.codec(), opts)
  }
}

export interface Info {
  model: string
  modelId: string
  contextLength: number
  engine: string
  paceMs: number
  scope: string
  slots: number
  running: number
  queued: number
  scouts: string[]
}

export namespace Info {
  let _codec: Codec<Info>

  export const codec = (): Codec<Info> => {
    if (_codec == null) {
      _codec = message<Info>((obj, w, opts = {}) => {
        if (opts.lengthDelimited !== false) {
          w.fork()
        }

        if ((obj.model != null && obj.model !== '')) {
          w.uint32(10)
          w.string(obj.model)
        }

        if ((obj.modelId != null && obj.modelId !== '')) {
          w.uint32(18)
          w.string(obj.modelId)
        }

        if ((obj.contextLength != null && obj.contextLength !== 0)) {
          w.uint32(24)
          w.uint32(obj.contextLength)
        }

        if ((obj.engine != null && obj.engine !== '')) {
          w.uint32(34)
          w.string(obj.engine)
        }

        if ((obj.paceMs != null && obj.paceMs !== 0)) {
          w.uint32(40)
          w.uint32(obj.paceMs)
        }

        if ((obj.scope != null && obj.scope !== '')) {
          w.uint32(50)
          w.string(obj.scope)
        }

        if ((obj.slots != null && obj.slots !== 0)) {
          w.uint32(56)
          w.uint32(obj.slots)
        }

        if ((obj.running != null && obj.running !== 0)) {
          w.uint32(64)
          w.uint32(obj.running)
        }

        if ((obj.queued != null && obj.queued !== 0)) {
          w.uint32(72)
          w.uint32(obj.queued)
        }

        if (obj.scouts != null && obj.scouts.length > 0) {
          for (const value of obj.scouts) {
            w.uint32(82)
            w.string(value)
          }
        }

        if (opts.lengthDelimited !== false) {
          w.ldelim()
        }
      }, (reader, length, opts = {}) => {
        const obj: any = {
          model: '',
          modelId: '',
          contextLength: 0,
          engine: '',
          paceMs: 0,
          scope: '',
          slots: 0,
          running: 0,
          queued: 0,
          scouts: []
        }

        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              obj.model = reader.string()
              break
            }
            case 2: {
              obj.modelId = reader.string()
              break
            }
            case 3: {
              obj.contextLength = reader.uint32()
              break
            }
            case 4: {
              obj.engine = reader.string()
              break
            }
            case 5: {
              obj.paceMs = reader.uint32()
              break
            }
            case 6: {
              obj.scope = reader.string()
              break
            }
            case 7: {
              obj.slots = reader.uint32()
              break
            }
            case 8: {
              obj.running = reader.uint32()
              break
            }
            case 9: {
              obj.queued = reader.uint32()
              break
            }
            case 10: {
              if (opts.limits?.scouts != null && obj.scouts.length === opts.limits.scouts) {
                throw new MaxLengthError('Decode error - repeated field "scouts" had too many elements')
              }

              obj.scouts.push(reader.string())
              break
            }
            default: {
              reader.skipType(tag & 7)
              break
            }
          }
        }

        return obj
      }, function * (reader, length, prefix, opts = {}) {
        const obj = {
          scouts: 0
        }

        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              yield {
                field: `${prefix}.model`,
                value: reader.string()
              }
              break
            }
            case 2: {
              yield {
                field: `${prefix}.modelId`,
                value: reader.string()
              }
              break
            }
            case 3: {
              yield {
                field: `${prefix}.contextLength`,
                value: reader.uint32()
              }
              break
            }
            case 4: {
              yield {
                field: `${prefix}.engine`,
                value: reader.string()
              }
              break
            }
            case 5: {
              yield {
                field: `${prefix}.paceMs`,
                value: reader.uint32()
              }
              break
            }
            case 6: {
              yield {
                field: `${prefix}.scope`,
                value: reader.string()
              }
              break
            }
            case 7: {
              yield {
                field: `${prefix}.slots`,
                value: reader.uint32()
              }
              break
            }
            case 8: {
              yield {
                field: `${prefix}.running`,
                value: reader.uint32()
              }
              break
            }
            case 9: {
              yield {
                field: `${prefix}.queued`,
                value: reader.uint32()
              }
              break
            }
            case 10: {
              if (opts.limits?.scouts != null && obj.scouts === opts.limits.scouts) {
                throw new MaxLengthError('Streaming decode error - repeated field "scouts" had too many elements')
              }

              yield {
                field: `${prefix}.scouts[]`,
                index: obj.scouts,
                value: reader.string()
              }

              obj.scouts++

              break
            }
            default: {
              reader.skipType(tag & 7)
              break
            }
          }
        }
      })
    }

    return _codec
  }

  export interface InfoModelFieldEvent {
    field: '$.model'
    value: string
  }

  export interface InfoModelIdFieldEvent {
    field: '$.modelId'
    value: string
  }

  export interface InfoContextLengthFieldEvent {
    field: '$.contextLength'
    value: number
  }

  export interface InfoEngineFieldEvent {
    field: '$.engine'
    value: string
  }

  export interface InfoPaceMsFieldEvent {
    field: '$.paceMs'
    value: number
  }

  export interface InfoScopeFieldEvent {
    field: '$.scope'
    value: string
  }

  export interface InfoSlotsFieldEvent {
    field: '$.slots'
    value: number
  }

  export interface InfoRunningFieldEvent {
    field: '$.running'
    value: number
  }

  export interface InfoQueuedFieldEvent {
    field: '$.queued'
    value: number
  }

  export interface InfoScoutsFieldEvent {
    field: '$.scouts[]'
    index: number
    value: string
  }

  export function encode (obj: Partial<Info>): Uint8Array<ArrayBuffer> {
    return encodeMessage(obj, Info.codec())
  }

  export function decode (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Info>): Info {
    return decodeMessage(buf, Info.codec(), opts)
  }

  export function stream (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Info>): Generator<InfoModelFieldEvent | InfoModelIdFieldEvent | InfoContextLengthFieldEvent | InfoEngineFieldEvent | InfoPaceMsFieldEvent | InfoScopeFieldEvent | InfoSlotsFieldEvent | InfoRunningFieldEvent | InfoQueuedFieldEvent | InfoScoutsFieldEvent> {
    return streamMessage(buf, Info.codec(), opts)
  }
}
