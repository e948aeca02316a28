import { LIMITS } from '../../shared/protocol/limits.ts'
import type { BestPass } from './best-pass.ts'

/** Chance below which a drafted token is not worth the Scout's energy. */
const LEAST_CHANCE = 0.01

/** Fewer are never granted to a worker elsewhere: a single right one too many would stop it. */
const LEAST_WINDOW = 4

/** From a Verified to the first token after it, where nothing was measured yet: a worker far away. In milliseconds. */
const UNKNOWN_TURN_MS = 100

/** Drafts that come late, a lost packet: tokens on top. */
const SLACK = 1

/** What is known of a worker: mean durations in milliseconds, null while nothing was measured. */
export interface Known {
  /** From a Verified that makes it start anew to its first token. */
  readonly turnMs: number | null
  /** From one token to the next. */
  readonly stepMs: number | null
  /** Chance that its next token is right. */
  readonly alpha: number
  /** It uses the Oracle's own processor. */
  readonly beside: boolean
}

/**
 * How many unverified tokens a worker may hold. What it can draft while a message goes there and back, and a default
 * window on top; but no more than passes can use: those that the next one verifies, and those that it and all others make
 * until the worker has heard of it. What comes beyond is work for nothing, on both sides. Nor so many that the last is
 * hardly ever right. Who uses the Oracle's own processor gets what the next pass verifies: there is nothing to be gained by
 * drafting meanwhile, and what is drafted in vain makes the pass longer.
 *
 * @param pass what its tokens could be used for; null: all of them, whether it pays or not
 */
export function windowFor(
  { turnMs, stepMs, alpha, beside }: Known,
  pass: BestPass | null,
  most: number,
): number {
  if (beside && pass !== null) return Math.min(most, pass.drafts + SLACK)
  const onTheirWay = turnMs === null || stepMs === null ? 0 : turnMs / Math.max(stepMs, 1e-3)
  const worthwhile = Math.log(LEAST_CHANCE) / Math.log(alpha)
  const usable = pass === null ? most : usableIn(turnMs ?? UNKNOWN_TURN_MS, pass)
  const wanted = Math.ceil(Math.min(onTheirWay + LIMITS.defaultWindowTokens, worthwhile, usable))
  return Math.min(most, Math.max(LEAST_WINDOW, wanted))
}

function usableIn(turnMs: number, { drafts, tokens, ms }: BestPass): number {
  return drafts + (1 + turnMs / ms) * tokens + SLACK
}
