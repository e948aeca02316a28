import type { Transport } from '../../../shared/mesh/transport.ts'
import type { OracleEntry } from '../../options/settings.ts'
import type { AskOptions, ChatErrorKind, ChatTurn, Piece, Usage } from './chat-source.ts'

/**
 * What the chat page and the document that holds the mesh's node say to each other over the port CHAT_PORT.
 * The page gives every request an id of its own, unique on its port; all answers to it carry that id.
 * An `info` is answered by one `info` or `error`. An `ask` is answered by `begin`, any number of `pieces`, and then by
 * exactly one of `end` and `error`; after a `stop` nothing more need come, and what still comes is ignored.
 * A port that closes stops everything that was asked over it.
 */
export type ToMesh =
  /** Which Oracle would answer, and how is it? Listed Oracles in the user's order: the first that answers is taken. */
  | { readonly type: 'info'; readonly id: number; readonly oracles: readonly OracleEntry[] }
  | {
      readonly type: 'ask'
      readonly id: number
      readonly oracles: readonly OracleEntry[]
      readonly turns: readonly ChatTurn[]
      readonly options: AskOptions
    }
  | { readonly type: 'stop'; readonly id: number }

export type FromMesh =
  | { readonly type: 'info'; readonly id: number; readonly facts: MeshOracleFacts }
  | {
      readonly type: 'begin'
      readonly id: number
      /** Peer id of the Oracle that answers. */
      readonly oracle: string
      readonly scope: string
      readonly seed: string
    }
  | { readonly type: 'pieces'; readonly id: number; readonly pieces: readonly Piece[] }
  | { readonly type: 'end'; readonly id: number; readonly reason: 'stop' | 'length'; readonly usage: Usage }
  | {
      readonly type: 'error'
      readonly id: number
      readonly kind: ChatErrorKind
      /** For people; shown below what the page says of this kind. */
      readonly message: string
      readonly retryAfterS: number | null
    }

/** One Oracle of the mesh as the chat page shows it; null: it does not say. */
export interface MeshOracleFacts {
  /** Its peer id. */
  readonly oracle: string
  readonly transport: Transport
  readonly model: string | null
  readonly modelId: string | null
  readonly contextLength: number | null
  /** `none`, `own` or `swarm`: who drafts for it. */
  readonly scope: string | null
  /** Scouts in its pool. */
  readonly scouts: number | null
}
