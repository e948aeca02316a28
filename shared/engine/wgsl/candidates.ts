import { filter } from '../../verify/filters.ts'
import { gumbel } from '../../verify/noise.ts'
import { changesLogits, TokenHistory } from '../../verify/penalties.ts'
import { type Choice, chooseToken, describeChoice } from '../../verify/sample.ts'
import type { NoiseKey, SamplingSettings } from '../../verify/settings.ts'
import type { EmittedToken, SampleRequest } from '../engine.ts'
import { CANDIDATE_WORDS, FLAG_NOT_FINITE, FLAG_TIED } from './kernels/candidates.wgsl.ts'

/** A row's likeliest tokens. */
export interface CandidateRow {
  /** Rising. */
  readonly ids: readonly number[]
  readonly logits: Float32Array
  /** ln Σ exp over the whole row, with float32's precision. */
  readonly normaliser: number
}

/** Whether a row's candidates decide its token under these settings: penalties and bias may lift a token from outside. */
export function candidatesDecide(settings: SamplingSettings): boolean {
  return !changesLogits(settings)
}

/** Reads one row of what kernels/candidates.wgsl.ts writes. @returns null when the whole row must be looked at */
export function readCandidates(words: Uint32Array, index: number): CandidateRow | null {
  const start = index * CANDIDATE_WORDS
  const floats = new Float32Array(words.buffer, words.byteOffset, words.length)
  if ((words[start]! & (FLAG_NOT_FINITE | FLAG_TIED)) !== 0) return null
  const count = words[start + 3]!
  const slots = Array.from({ length: count }, (_, i) => start + 4 + 2 * i)
  slots.sort((a, b) => words[a]! - words[b]!)
  return {
    ids: slots.map((slot) => words[slot]!),
    logits: Float32Array.from(slots, (slot) => floats[slot + 1]!),
    normaliser: floats[start + 1]! + Math.log(floats[start + 2]!),
  }
}

/** What came back of a row. */
export type Picked = { readonly logits: Float32Array } | { readonly candidates: CandidateRow }

/** `walk` (verify/walk.ts) where some rows are candidates, for settings without penalties and bias. */
export function walkPicked(
  row: (index: number) => Picked,
  length: number,
  drafts: readonly number[],
  { settings, key, promptLength, stopTokens, maxTokens, topLogprobs }: SampleRequest,
): EmittedToken[] {
  const history = new TokenHistory(promptLength)
  const emitted: EmittedToken[] = []
  for (let i = 0; ; i++) {
    const picked = row(i)
    const t = length + i - promptLength
    const choice =
      'candidates' in picked
        ? describe(picked.candidates, choose(picked.candidates, settings, key, t), topLogprobs)
        : describeChoice(picked.logits, chooseToken(picked.logits, settings, history, key, t), topLogprobs)
    const drafted = i < drafts.length && drafts[i] === choice.id
    emitted.push({ ...choice, drafted })
    if (!drafted || stopTokens.includes(choice.id) || emitted.length >= maxTokens) return emitted
  }
}

/** `describeChoice` (verify/sample.ts) by the candidates. */
function describe({ ids, logits, normaliser }: CandidateRow, chosen: number, count: number): Choice {
  const token = (index: number) => ({ id: ids[index]!, logprob: logits[index]! - normaliser })
  return { ...token(chosen), top: likeliestFirst(logits).slice(0, count).map(token) }
}

/** Equal logits by lowest id: ids rise with the index, and sorting is stable. */
function likeliestFirst(logits: Float32Array): number[] {
  return [...logits.keys()].sort((a, b) => logits[b]! - logits[a]!)
}

/** `chooseToken` (verify/sample.ts) among the candidates. @returns an index */
function choose({ ids, logits }: CandidateRow, settings: SamplingSettings, key: NoiseKey, t: number): number {
  if (settings.temperature === 0) return likeliestFirst(logits)[0]!
  const kept = filter(logits, settings)
  let best = -1
  let bestScore = Number.NEGATIVE_INFINITY
  for (let i = 0; i < kept.ids.length; i++) {
    const index = kept.ids[i]!
    const score = kept.logWeights[i]! + gumbel(key, t, ids[index]!)
    if (score > bestScore || best < 0 || (score === bestScore && index < best)) {
      best = index
      bestScore = score
    }
  }
  return best
}
