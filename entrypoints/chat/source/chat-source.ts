import type { Transport } from '../../../shared/mesh/transport.ts'

/** Where answers come from: an Oracle's API here; in the extension also a peer over the mesh. */
export interface ChatSource {
  /** How often to ask for the node's facts while the page is looked at. */
  readonly lookEveryMs: number
  /** Tells when another node answers from now on. @returns how to stop listening */
  onChange?(listener: () => void): () => void
  /** @throws {ChatError} */
  node(signal: AbortSignal): Promise<NodeFacts>
  /** Streams one answer; the last event is `end`. @throws {ChatError} unless the signal ended it */
  ask(turns: readonly ChatTurn[], options: AskOptions, signal: AbortSignal): AsyncIterable<ChatEvent>
}

export interface ChatTurn {
  readonly role: 'user' | 'assistant'
  readonly content: string
}

export interface AskOptions {
  /** Id of one of the node's models; null: the one that is loaded. */
  readonly model: string | null
  readonly temperature: number
  readonly maxTokens: number | null
  readonly seed: string | null
  readonly scope: 'none' | 'own' | null
}

/** A stretch of text and who drafted it: a worker's id, or null for the Oracle itself. */
export type Piece = readonly [text: string, by: string | null]

export type ChatEvent =
  | {
      readonly type: 'begin'
      readonly scope: string
      readonly seed: string
      /** Peer id of the Oracle, where several might have answered. */
      readonly oracle?: string
    }
  | { readonly type: 'pieces'; readonly pieces: readonly Piece[] }
  | { readonly type: 'end'; readonly reason: 'stop' | 'length'; readonly usage: Usage }

export interface Usage {
  readonly promptTokens: number
  readonly tokens: number
  /** Draft tokens that verification confirmed, and those that it tested and refused. */
  readonly accepted: number
  readonly rejected: number
}

export interface NodeFacts {
  readonly model: string | null
  readonly modelId: string | null
  /** Those that may be asked for; empty where there is no choice. */
  readonly models: readonly ModelChoice[]
  /** The model that is being loaded, and how far it is, 0–1; null: none is. */
  readonly loading: { readonly id: string; readonly fraction: number | null } | null
  /** The Oracle that serves the page, the one on this computer, or one of the mesh. */
  readonly where: 'host' | 'local' | { readonly oracle: string; readonly transport: Transport }
  /** null, here and below: it does not say. */
  readonly engine: string | null
  readonly paceMs: number
  readonly scope: string | null
  /** Scouts in the pool. */
  readonly scouts: number | null
}

export interface ModelChoice {
  readonly id: string
  /** null: its file has none. */
  readonly name: string | null
  readonly isLoaded: boolean
}

export type ChatErrorKind =
  | 'no-oracle' // there is nobody to ask
  | 'gone' // nothing answers
  | 'interrupted' // the stream ended before the answer did
  | 'overloaded' // all slots busy and the queue full
  | 'starting' // the engine is not ready
  | 'stopping' // the Oracle is shutting down
  | 'key' // it wants a key
  | 'too-long' // the conversation no longer fits the context
  | 'model' // the model that was asked for is not there, or does not load
  | 'refused' // a request that it does not take
  | 'failed' // its own fault

export class ChatError extends Error {
  override readonly name = 'ChatError'
  readonly kind: ChatErrorKind
  /** Seconds after which trying again makes sense. */
  readonly retryAfterS: number | null

  constructor(
    kind: ChatErrorKind,
    message: string,
    retryAfterS: number | null = null,
    options?: ErrorOptions,
  ) {
    super(message, options)
    this.kind = kind
    this.retryAfterS = retryAfterS
  }
}
