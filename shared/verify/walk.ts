import type { EmittedToken, SampleRequest } from '../engine/engine.ts'
import { needsHistory, TokenHistory } from './penalties.ts'
import { chooseToken, describeChoice } from './sample.ts'

/**
 * Walks down one path of drafts while each draft is the token that the target chooses itself, and ends with the target's
 * own token: the correction, or one more when every draft was right.
 *
 * Modes: `greedy` and `coupled` (see chooseToken), told apart by the temperature. A third, `rejection` (Leviathan et al.
 * 2023), would come in here as a field of SampleRequest that carries the drafter's distribution q̂ for each draft; since a
 * drafter that lies about q̂ steers the text, that field must be obtainable from paired devices alone.
 *
 * @param row logits [vocabulary] of row i: 0 is the base row, i > 0 the row of draft i − 1; asked for in rising order, and
 *   only as far as the walk goes
 * @param tokens all tokens up to and including the base row's
 * @param drafts the drafted tokens that follow; rows 0 … drafts.length exist
 * @returns at least one token, at most `request.maxTokens`
 */
export function walk(
  row: (index: number) => Float32Array,
  tokens: Iterable<number> & { readonly length: number },
  drafts: readonly number[],
  request: SampleRequest,
): EmittedToken[] {
  const { settings, key, promptLength, stopTokens, maxTokens, topLogprobs } = request
  const history = new TokenHistory(promptLength)
  const counted = needsHistory(settings)
  if (counted) for (const token of tokens) history.push(token)

  const emitted: EmittedToken[] = []
  for (let i = 0; ; i++) {
    const logits = row(i)
    const t = tokens.length + i - promptLength
    const id = chooseToken(logits, settings, history, key, t)
    const drafted = i < drafts.length && drafts[i] === id
    emitted.push({ ...describeChoice(logits, id, topLogprobs), drafted })
    if (!drafted || stopTokens.includes(id) || emitted.length >= maxTokens) return emitted
    if (counted) history.push(id)
  }
}
