import type { ModelInfo } from '../../shared/engine/engine.ts'
import type { Tokenizer } from '../../shared/tokenizer/tokenizer.ts'
import { TokenizerError } from '../../shared/tokenizer/tokenizer-error.ts'
import { badField } from './api-error.ts'
import type { ChatMessage } from './chat-request.ts'

/** What the API asks of a tokenizer. */
export interface TextCodec {
  /** What a plain completion continues; its author may write markers. At least one token. */
  completionPrompt(prompt: string | readonly number[]): readonly number[]
  /** The chat template, ready for the assistant's turn; markers spelled inside messages stay text. @throws {ApiError} */
  encodeChat(messages: readonly ChatMessage[]): readonly number[]
  /** A token's bytes; a marker has none. */
  tokenBytes(id: number): Uint8Array
  /** A token's text, or a marker's spelling. */
  tokenName(id: number): string
}

export function textCodec(tokenizer: Tokenizer, model: ModelInfo): TextCodec {
  return {
    completionPrompt(prompt) {
      if (typeof prompt !== 'string') return prompt
      const ids = [...tokenizer.prefix, ...tokenizer.encodeMarked(prompt)]
      // An empty text begins where documents begin: after the end of another.
      return ids.length > 0 ? ids : [model.endTokens[0] ?? 0]
    },
    encodeChat(messages) {
      try {
        return tokenizer.encodeChat(messages)
      } catch (error) {
        if (error instanceof TokenizerError) throw badField('messages', error.message)
        throw error
      }
    },
    tokenBytes: (id) => tokenizer.tokenBytes(id),
    tokenName: (id) => tokenizer.tokenName(id),
  }
}
