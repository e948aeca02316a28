import type { PassCostModel } from './plan.ts'

/** Drafts per request that are looked at: at α = 0.95 the last of them is right once in 25 times. */
const DEEPEST = 64

/** Requests that run, the tokens that their own rows attend to, summed, and the most rows of a pass. */
export interface Running {
  readonly requests: number
  readonly context: number
  readonly maxRows: number
}

/** A pass with as many drafts for each request as make the most tokens per time, if all of them are there. */
export interface BestPass {
  /** Drafts per request. */
  readonly drafts: number
  /** Tokens per request in expectation. */
  readonly tokens: number
  readonly ms: number
}

/** What a drafter whose tokens are right with chance `alpha` could be used for, however quickly it sent them. */
export function bestPass(
  { requests, context, maxRows }: Running,
  alpha: number,
  cost: PassCostModel,
): BestPass {
  let best = { drafts: 0, tokens: 1, ms: cost(requests, context) }
  let tokens = 1
  let p = 1
  for (let drafts = 1; drafts <= DEEPEST && (1 + drafts) * requests <= maxRows; drafts++) {
    p *= alpha
    tokens += p
    const ms = cost((1 + drafts) * requests, context * (1 + drafts))
    if (tokens * best.ms > best.tokens * ms) best = { drafts, tokens, ms }
  }
  return best
}
