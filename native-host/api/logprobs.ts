import type { TokenLogprob } from '../../shared/engine/engine.ts'
import type { TextPiece } from './choice-text.ts'
import type { TextCodec } from './text-codec.ts'

interface ChatLogprob {
  readonly token: string
  readonly logprob: number
  readonly bytes: readonly number[]
}

export interface ChatTokenLogprob extends ChatLogprob {
  readonly top_logprobs: readonly ChatLogprob[]
}

/** What OpenAI gives for a token that is all but impossible: JSON has no infinity. */
const LEAST_LOGPROB = -9999

/** One entry for each token that ends with these pieces. */
export function chatLogprobs(codec: TextCodec, pieces: readonly TextPiece[]): ChatTokenLogprob[] {
  const one = ({ id, logprob }: TokenLogprob): ChatLogprob => ({
    token: codec.tokenName(id),
    logprob: Math.max(LEAST_LOGPROB, logprob),
    bytes: [...codec.tokenBytes(id)],
  })
  return pieces.flatMap(({ token }) => (token ? [{ ...one(token), top_logprobs: token.top.map(one) }] : []))
}

/** The form of /v1/completions. */
export interface TextLogprobs {
  readonly tokens: string[]
  readonly token_logprobs: number[]
  readonly top_logprobs: Record<string, number>[] | null
  readonly text_offset: number[]
}

/** @param offset characters of this choice that were sent before */
export function textLogprobs(
  codec: TextCodec,
  pieces: readonly TextPiece[],
  top: number,
  offset: number,
): TextLogprobs {
  const entries = chatLogprobs(codec, pieces)
  const offsets: number[] = []
  let at = offset
  let begun = offset
  for (const { text, token } of pieces) {
    at += text.length
    if (token) {
      offsets.push(begun)
      begun = at
    }
  }
  return {
    tokens: entries.map(({ token }) => token),
    token_logprobs: entries.map(({ logprob }) => logprob),
    top_logprobs:
      top === 0
        ? null
        : entries.map(({ top_logprobs }) =>
            Object.fromEntries(top_logprobs.map(({ token, logprob }) => [token, logprob])),
          ),
    text_offset: offsets,
  }
}
