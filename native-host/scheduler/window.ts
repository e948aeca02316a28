import { LIMITS } from '../../shared/protocol/limits.ts'

/** Chance below which a drafted token is not worth the Scout's energy. */
const LEAST_CHANCE = 0.01

/** Fewer are never granted: a single right one too many would stop the worker. */
const LEAST_WINDOW = 4

/** What is known of a worker: mean durations in milliseconds, null while nothing was measured. */
export interface Known {
  /** From a Verified that makes it start anew to its first token. */
  readonly turnMs: number | null
  /** From one token to the next. */
  readonly stepMs: number | null
  /** Chance that its next token is right. */
  readonly alpha: number
}

/**
 * How many unverified tokens a worker may hold: what it drafts while a message goes there and back, and a default window
 * on top, so that a distant one does not run dry; but never so many that the last of them is hardly ever right.
 */
export function windowFor({ turnMs, stepMs, alpha }: Known, most: number): number {
  if (turnMs === null || stepMs === null) return Math.min(most, LIMITS.defaultWindowTokens)
  const onTheirWay = turnMs / Math.max(stepMs, 1e-3)
  const worthwhile = Math.log(LEAST_CHANCE) / Math.log(alpha)
  const wanted = Math.ceil(Math.min(onTheirWay + LIMITS.defaultWindowTokens, worthwhile))
  return Math.min(most, Math.max(LEAST_WINDOW, wanted))
}
