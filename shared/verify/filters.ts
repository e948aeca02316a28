import { argmax, LikeliestFirst } from './likeliest.ts'
import type { SamplingSettings } from './settings.ts'

/** The tokens that the filters leave, likeliest first when a filter sorted them, else by id. */
export interface Candidates {
  readonly ids: Int32Array
  /** float64, sums to 1. */
  readonly probabilities: Float64Array
  /** float64: ln of the probability plus a constant that all candidates share; the likeliest has 0. */
  readonly logWeights: Float64Array
}

/**
 * Temperature, top-k, top-p and min-p, in this order, over logits after penalties and bias [vocabulary]. Each filter works
 * on the probabilities renormalised over what the one before left; none ever removes the likeliest token.
 */
export function filter(logits: ArrayLike<number>, settings: SamplingSettings): Candidates {
  const { temperature, topK, topP, minP } = settings
  const max = logits[argmax(logits)]!
  const logWeights = new Float64Array(logits.length)
  for (let id = 0; id < logits.length; id++) logWeights[id] = (logits[id]! - max) / temperature
  const weights = logWeights.map(Math.exp)
  const limit = topK > 0 ? Math.min(topK, weights.length) : weights.length

  let kept: number[] | null = null
  if (limit < weights.length || topP < 1) kept = likeliest(weights, limit, topP)
  let ids = kept === null ? Int32Array.from(weights.keys()) : Int32Array.from(kept)
  // The likeliest weighs exp(0) = 1, so weights are already relative to it.
  if (minP > 0) ids = ids.filter((id) => weights[id]! >= minP)

  const total = ids.reduce((sum, id) => sum + weights[id]!, 0)
  return {
    ids,
    probabilities: Float64Array.from(ids, (id) => weights[id]! / total),
    logWeights: Float64Array.from(ids, (id) => logWeights[id]!),
  }
}

/** The `limit` likeliest ids, and of these the smallest set whose share of their sum reaches `topP`. */
function likeliest(weights: Float64Array, limit: number, topP: number): number[] {
  const order = new LikeliestFirst(weights)
  const ids: number[] = []
  let total = 0
  if (limit < weights.length) {
    for (let i = 0; i < limit; i++) {
      const id = order.next()
      ids.push(id)
      total += weights[id]!
    }
    if (topP >= 1) return ids
  } else {
    for (const weight of weights) total += weight
  }
  let mass = 0
  for (let kept = 0; kept < limit; kept++) {
    const id = ids[kept] ?? order.next()
    ids[kept] = id
    mass += weights[id]!
    if (mass / total >= topP) {
      ids.length = kept + 1
      break
    }
  }
  return ids
}
