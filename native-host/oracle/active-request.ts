import type { EmittedToken, PassItem, SequenceId } from '../../shared/engine/engine.ts'
import { EventStream } from './event-stream.ts'
import type { FinishReason, GeneratedToken, GenerationEvent, GenerationRequest } from './generation.ts'

/** What a pass did to one request. */
export interface Outcome {
  /** Tokens emitted, after the cut. */
  readonly tokens: readonly GeneratedToken[]
  /** Drafts that were confirmed and kept. */
  readonly accepted: number
  /** Whether the draft after the accepted ones was compared and found wrong. */
  readonly rejected: boolean
  readonly finish: FinishReason | null
}

/** One choice on its way: its true tokens, how many of them the engine holds, and the stream to its reader. */
export class ActiveRequest {
  readonly id: number
  readonly request: GenerationRequest
  readonly events = new EventStream<GenerationEvent>()
  /** Prompt and verified tokens. */
  readonly tokens: number[]
  /** Position at which the run ends at the latest: max tokens, or the context's end. */
  readonly end: number
  /** Null until a slot was given, and again after the engine was lost. */
  sequence: SequenceId | null = null
  /** Tokens in the sequence's KV cache; everything from here on is pending. */
  cached = 0
  /** Prompt tokens that the first opening found cached; null before it. */
  reused: number | null = null
  /** Times the engine was lost under it. */
  losses = 0
  accepted = 0
  rejected = 0

  constructor(id: number, request: GenerationRequest, contextLength: number) {
    this.id = id
    this.request = request
    this.tokens = [...request.prompt]
    this.end = Math.min(request.prompt.length + request.maxTokens, contextLength)
  }

  /** True tokens that the KV cache lacks; at least one while it runs. */
  get pending(): number {
    return this.tokens.length - this.cached
  }

  /** Its share of a pass: the next `known` pending tokens and, when these are all, what was drafted after them. */
  item(known: number, drafts: readonly number[]): PassItem {
    const { request } = this
    const tokens = this.tokens.slice(this.cached, this.cached + known)
    if (this.sequence === null) throw new Error(`request ${this.id} has no sequence`)
    if (known < this.pending) return { sequence: this.sequence, tokens, drafts: [] }
    return {
      sequence: this.sequence,
      tokens,
      drafts,
      sample: {
        settings: request.settings,
        key: request.key,
        promptLength: request.prompt.length,
        stopTokens: request.stopTokens,
        maxTokens: this.end - this.tokens.length,
        topLogprobs: request.topLogprobs,
      },
    }
  }

  /**
   * Takes what a pass emitted: cuts it at a stop, appends the rest, and hands it to the reader.
   * Tokens past the cut are neither emitted nor counted. The caller ends the request when `finish` is set.
   *
   * @param by who first sent each draft of the item, in order
   */
  advance(known: number, drafts: number, emitted: readonly EmittedToken[], by: readonly string[]): Outcome {
    this.cached += known
    const tokens: GeneratedToken[] = []
    let finish: FinishReason | null = null
    for (const token of emitted) {
      const author = token.drafted ? (by[tokens.length] ?? null) : null
      tokens.push({ ...token, by: author })
      const cut = this.request.isStop?.(token) ?? false
      if (cut || this.request.stopTokens.includes(token.id)) {
        finish = 'stop'
        break
      }
    }
    const accepted = tokens.filter((token) => token.drafted).length
    const last = tokens.at(-1)
    const rejected =
      last !== undefined && !last.drafted && tokens.length === accepted + 1 && accepted < drafts
    for (const token of tokens) this.tokens.push(token.id)
    // The engine holds all but the last emitted token, cut or not; `cached` never counts what lies past the cut.
    this.cached += Math.max(0, tokens.length - 1)
    this.accepted += accepted
    if (rejected) this.rejected++
    if (finish === null && emitted.length > 0 && this.tokens.length >= this.end) finish = 'length'
    if (tokens.length > 0) this.events.push({ type: 'tokens', tokens })
    return { tokens, accepted, rejected, finish }
  }

  /** Last event, and no more. */
  finish(finish: FinishReason): void {
    this.events.push({
      type: 'done',
      finish,
      usage: {
        promptTokens: this.request.prompt.length,
        cachedTokens: this.reused ?? 0,
        completionTokens: this.tokens.length - this.request.prompt.length,
        acceptedDrafts: this.accepted,
        rejectedDrafts: this.rejected,
        scope: this.request.scope,
      },
    })
    this.events.end()
  }
}
