import type { Running } from './best-pass.ts'
import { LEAST_GAIN, type PassCostModel } from './plan.ts'

/** Drafts per request that are looked at: with more, the last is hardly ever right. */
const DEEPEST = 8
/** How exactly it is found. */
const STEPS = 7

export interface Crowd extends Running {
  /** What each request's drafter costs per pass beside its rows, in milliseconds. */
  readonly overheadMs: number
}

/**
 * The chance that a drafted token is right below which no pass would take drafts, however quickly they come, for they
 * promise too little beside what a row more costs, and a drafter. 1: no drafter is good enough, as on a processor that many
 * requests keep busy.
 */
export function leastAcceptance(crowd: Crowd, cost: PassCostModel): number {
  const least = (LEAST_GAIN - 1) * cost(crowd.requests, crowd.context)
  const pays = (alpha: number) => mostSavedMs(crowd, alpha, cost) > least
  if (!pays(1)) return 1
  let [low, high] = [0, 1]
  for (let i = 0; i < STEPS; i++) {
    const middle = (low + high) / 2
    if (pays(middle)) high = middle
    else low = middle
  }
  return high
}

/** Milliseconds of a pass saved by the best number of drafts, which are always in time. */
function mostSavedMs(
  { requests, context, maxRows, overheadMs }: Crowd,
  alpha: number,
  cost: PassCostModel,
): number {
  const baseMs = cost(requests, context)
  const tokenMs = baseMs / requests
  let best = Number.NEGATIVE_INFINITY
  const most = Math.min(maxRows - requests, DEEPEST * requests)
  // Every number of drafts up to eight, then in steps of a quarter: what lies between differs little.
  for (let drafts = 1; drafts <= most; drafts += 1 + (drafts >> 3) * 2) {
    const rows = requests + drafts
    const extraMs = cost(rows, (context * rows) / requests) - baseMs
    best = Math.max(best, expectedTokens(drafts, requests, alpha) * tokenMs - extraMs)
  }
  return best - requests * overheadMs
}

/** Confirmed in expectation of so many drafts, the first of every request before any second. */
function expectedTokens(drafts: number, requests: number, alpha: number): number {
  let tokens = 0
  let p = alpha
  for (let left = drafts; left > 0; left -= requests) {
    tokens += Math.min(left, requests) * p
    p *= alpha
  }
  return tokens
}
