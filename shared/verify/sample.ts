import type { TokenLogprob } from '../engine/engine.ts'
import { filter } from './filters.ts'
import { argmax, LikeliestFirst } from './likeliest.ts'
import { gumbel, gumbelBound, gumbelOf, MOST_NOISE, noiseWord } from './noise.ts'
import { changesLogits, penalise, type TokenHistory } from './penalties.ts'
import type { NoiseKey, SamplingSettings } from './settings.ts'

/** What one row decided. */
export interface Choice extends TokenLogprob {
  /** The likeliest tokens of the raw logits, at most as many as asked for. */
  readonly top: readonly TokenLogprob[]
}

/**
 * The token that the target itself would emit: a function of logits, settings, history, key and t, and of nothing that was
 * drafted. `greedy` at temperature 0: the argmax after penalties and bias, ties to the lowest id. `coupled` above 0: the
 * argmax of ln p + Gumbel noise over what the filters leave, ties to the lowest id, which is an exact sample of p.
 */
export function chooseToken(
  logits: Float32Array,
  settings: SamplingSettings,
  history: TokenHistory,
  key: NoiseKey,
  t: number,
): number {
  const adjusted = changesLogits(settings) ? penalise(logits, settings, history) : logits
  if (settings.temperature === 0) return argmax(adjusted)
  const { ids, logWeights } = filter(adjusted, settings)
  // What is to be beaten should be known early: most others can then be passed over.
  const likeliest = argmax(logWeights)
  let best = ids[likeliest] ?? -1
  let bestScore = best < 0 ? Number.NEGATIVE_INFINITY : logWeights[likeliest]! + gumbel(key, t, best)
  for (let i = 0; i < ids.length; i++) {
    const id = ids[i]!
    if (logWeights[i]! + MOST_NOISE < bestScore) continue
    const word = noiseWord(key, t, id)
    if (logWeights[i]! + gumbelBound(word) < bestScore) continue
    const score = logWeights[i]! + gumbelOf(word)
    if (score > bestScore || (score === bestScore && id < best)) {
      best = id
      bestScore = score
    }
  }
  return best
}

/** ln Σ exp over one row, float64: `logit − logSumExp` is the log-probability at temperature 1. */
export function logSumExp(logits: ArrayLike<number>): number {
  const max = logits[argmax(logits)]!
  let sum = 0
  for (let id = 0; id < logits.length; id++) sum += Math.exp(logits[id]! - max)
  return max + Math.log(sum)
}

/** Log-probabilities of the chosen token and of the `count` likeliest, from the raw logits at temperature 1. */
export function describeChoice(logits: Float32Array, id: number, count: number): Choice {
  const normaliser = logSumExp(logits)
  const top: TokenLogprob[] = []
  if (count > 0) {
    const order = new LikeliestFirst(logits)
    for (let i = 0; i < Math.min(count, logits.length); i++) {
      const likely = order.next()
      top.push({ id: likely, logprob: logits[likely]! - normaliser })
    }
  }
  return { id, logprob: logits[id]! - normaliser, top }
}
