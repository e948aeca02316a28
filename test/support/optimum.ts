/** One request, one Scout: what decides how fast they can be together. */
export interface Partnership {
  /** Milliseconds of a pass over so many rows. */
  readonly cost: (rows: number) => number
  /** Chance that the Scout's next token is right, given that all before it were. */
  readonly alpha: number
  /** Milliseconds in which the Scout drafts a token. */
  readonly tokenMs: number
  /** There and back, in milliseconds. */
  readonly rttMs: number
  /** Most rows of a pass. */
  readonly maxRows: number
}

/** Steps of time that a drafted token is divided into: durations are rounded to these. */
const STEPS = 8
/** Drafts in hand beyond which more are worth nothing. */
const MOST_IN_HAND = 64
/** Relative change of the rate below which it is found. */
const PRECISION = 1e-6

/** What follows an action: tokens and time, and the chance that the Scout's path goes on from `next`; else it starts anew. */
interface Action {
  readonly tokens: number
  readonly ms: number
  readonly survival: number
  readonly next: number
}

/**
 * Tokens per millisecond under the best policy there is: at every moment it knows all that it may (the drafts in hand,
 * when the next one comes, and, unlike the real one, at once whether a draft on its way has just been contradicted), and
 * chooses between the next pass with any number of drafts and waiting for the next draft. The Scout has no window. So it
 * is a bound from above. Passes are exact, links without jitter.
 *
 * A renewal process (a path that is contradicted or overtaken begins anew, a round trip later), solved by policy
 * iteration on the rate (Dinkelbach 1967).
 */
export function optimalRate(partnership: Partnership): number {
  const { states, start } = explore(partnership)
  let rate = 1 / partnership.cost(1)
  for (;;) {
    const better = evaluate(states, bestPolicy(states, rate), start)
    if (better <= rate * (1 + PRECISION)) return rate
    rate = better
  }
}

/** Every state that can be reached, with what may be done in it. */
function explore({ cost, alpha, tokenMs, rttMs, maxRows }: Partnership): {
  readonly states: readonly (readonly Action[])[]
  readonly start: number
} {
  const step = tokenMs / STEPS
  const gap = STEPS
  const trip = Math.round(rttMs / step)
  const passes = Array.from({ length: Math.min(maxRows, MOST_IN_HAND + 1) }, (_, i) => cost(i + 1))
  const indices = new Map<number, number>()
  const open: { readonly hand: number; readonly due: number }[] = []
  /** `hand`: drafts in hand; negative: so many on their way are overtaken. `due`: steps until the next one. */
  const index = (hand: number, due: number): number => {
    const key = (hand + 4096) * 2 ** 24 + due
    const known = indices.get(key)
    if (known !== undefined) return known
    indices.set(key, open.length)
    open.push({ hand, due })
    return open.length - 1
  }
  const start = index(0, trip + gap)
  const states: Action[][] = []
  for (let s = 0; s < open.length; s++) {
    const { hand, due } = open[s]!
    const actions: Action[] = []
    let tokens = 1
    let right = 1
    for (let drafts = 0; drafts <= Math.max(0, hand) && drafts < passes.length; drafts++) {
      if (drafts > 0) {
        right *= alpha
        tokens += right
      }
      const ms = passes[drafts]!
      const length = Math.round(ms / step)
      const arrived = due <= length ? Math.floor((length - due) / gap) + 1 : 0
      const nextDue = due + arrived * gap - length
      const left = hand - drafts - 1
      // The Scout hears of the pass half a trip after it, and what it sent until then comes within a whole one.
      const overtaken = left < 0 && due + (-left - 1) * gap > length + trip
      if (overtaken) actions.push({ tokens, ms, survival: 0, next: start })
      else {
        const next = index(Math.min(MOST_IN_HAND, left + arrived), nextDue)
        actions.push({ tokens, ms, survival: right * alpha, next })
      }
    }
    if (hand < MOST_IN_HAND)
      actions.push({ tokens: 0, ms: due * step, survival: 1, next: index(hand + 1, gap) })
    states.push(actions)
  }
  return { states, start }
}

/** The action of each state that gains most over `rate`. */
function bestPolicy(states: readonly (readonly Action[])[], rate: number): readonly Action[] {
  const values = new Float64Array(states.length)
  const policy: Action[] = []
  for (let change = 1; change > 1e-9; ) {
    change = 0
    for (let s = states.length - 1; s >= 0; s--) {
      let best = Number.NEGATIVE_INFINITY
      for (const action of states[s]!) {
        const value = action.tokens - rate * action.ms + action.survival * values[action.next]!
        if (value <= best) continue
        best = value
        policy[s] = action
      }
      change = Math.max(change, Math.abs(best - values[s]!))
      values[s] = best
    }
  }
  return policy
}

/** Tokens over time of one life of a path under a policy. */
function evaluate(states: readonly unknown[], policy: readonly Action[], start: number): number {
  const tokens = new Float64Array(states.length)
  const ms = new Float64Array(states.length)
  for (let change = 1; change > 1e-9; ) {
    change = 0
    for (let s = states.length - 1; s >= 0; s--) {
      const action = policy[s]!
      const t = action.tokens + action.survival * tokens[action.next]!
      const m = action.ms + action.survival * ms[action.next]!
      change = Math.max(change, Math.abs(t - tokens[s]!), Math.abs(m - ms[s]!) / policy[start]!.ms)
      tokens[s] = t
      ms[s] = m
    }
  }
  return tokens[start]! / ms[start]!
}
