import type { PassCostModel } from './plan.ts'

/** One request as the waiting decision sees it. */
export interface WaitRequest {
  /** P of each token of the path in hand: what the pass would verify now. */
  readonly path: readonly number[]
  /** Rows that enter the pass anyway, and the tokens that each attends to, summed. */
  readonly rows: number
  readonly context: number
  /** The base row is among them. */
  readonly emits: boolean
  /** P of each token of the path that is being continued by the worker with the best prospects; may be `path` itself. */
  readonly ahead: readonly number[]
  /** When the tokens after `ahead` should be here, in milliseconds from now, rising. */
  readonly due: readonly number[]
  /** Chance per token that is due, given those before it. */
  readonly alpha: number
  /** Chance that what is due comes at all. */
  readonly reliability: number
}

export interface WaitLimits {
  /** Most rows of a pass. */
  readonly maxRows: number
  /** Longest wait, in milliseconds. */
  readonly maxWaitMs: number
}

export interface WaitDecision {
  /** 0 = begin the pass now. */
  readonly waitMs: number
  /** Expected tokens per millisecond over the next two passes: at once, and after the wait. */
  readonly rateNow: number
  readonly rateAfter: number
}

/** Times that are weighed against each other: more would not change the outcome noticeably. */
const MOMENTS = 16

/**
 * Whether putting the pass off raises expected tokens per time, over this pass and the next: a draft that comes while a
 * pass runs is not lost, it grafts onto what the pass decoded. All requests count, those that gain and those that only
 * wait, so another request that uses the engine better outweighs the wait.
 */
export function decideWait(
  requests: readonly WaitRequest[],
  limits: WaitLimits,
  cost: PassCostModel,
): WaitDecision {
  const rateNow = rateAfter(requests, 0, limits.maxRows, cost)
  let best = { waitMs: 0, rateNow, rateAfter: rateNow }
  for (const moment of moments(requests, limits.maxWaitMs)) {
    const rate = rateAfter(requests, moment, limits.maxRows, cost)
    if (rate > best.rateAfter) best = { waitMs: moment, rateNow, rateAfter: rate }
  }
  return best
}

/** Points in time at which something is due, at most `MOMENTS` of them. */
function moments(requests: readonly WaitRequest[], maxWaitMs: number): number[] {
  const all = requests.flatMap((request) => request.due.filter((ms) => ms > 0 && ms <= maxWaitMs))
  const sorted = [...new Set(all)].sort((a, b) => a - b)
  const stride = Math.ceil(sorted.length / MOMENTS)
  return sorted.filter((_, i) => i % Math.max(1, stride) === 0)
}

/** Expected tokens per millisecond of a pass that begins after `wait` and of the one after it. */
function rateAfter(
  requests: readonly WaitRequest[],
  wait: number,
  maxRows: number,
  cost: PassCostModel,
): number {
  let rows = 0
  let context = 0
  for (const request of requests) {
    rows += request.rows
    context += request.context
  }
  const baseRows = rows
  const baseContext = context
  let free = maxRows - rows
  const shares = requests.map((request) => {
    const taken = share(request, wait, request.emits ? free : 0)
    free -= taken.length
    return taken
  })
  let tokens = 0
  for (const [i, { length, value }] of shares.entries()) {
    const request = requests[i]!
    if (!request.emits) continue
    tokens += 1 + value
    rows += length
    context += (length * request.context) / request.rows
  }
  const firstMs = cost(rows, context)

  // What arrives while the first pass runs continues `ahead`; the part that the pass itself emits is of no more use.
  let more = 0
  free = maxRows - baseRows
  for (const [i, request] of requests.entries()) {
    if (!request.emits) continue
    tokens += 1
    const { arrived, emits } = shares[i]!
    const until = countUntil(request.due, wait + firstMs)
    let p = (request.ahead.at(-1) ?? 1) * request.reliability
    for (let j = 0; j < until; j++) {
      p *= request.alpha
      if (j < arrived || request.ahead.length + j < emits || free <= 0) continue
      more += p
      free--
    }
  }
  const secondMs = cost(Math.round(baseRows + more), baseContext)
  return (tokens + more) / (wait + firstMs + secondMs)
}

/** What a request would put into a pass that begins after `wait`, in at most `free` rows: the path in hand, or what has come by then. */
function share(request: WaitRequest, wait: number, free: number) {
  const arrived = countUntil(request.due, wait)
  const inHand = sum(request.path.slice(0, free))
  const grown = [...request.ahead]
  let p = (request.ahead.at(-1) ?? 1) * request.reliability
  for (let i = 0; i < arrived; i++) {
    p *= request.alpha
    grown.push(p)
  }
  const length = Math.min(free, grown.length)
  const value = sum(grown.slice(0, free))
  if (arrived > 0 && value > inHand) return { length, value, arrived, emits: length + 1 }
  // A path of another worker: the one ahead goes on if it agrees with what the pass emits.
  return {
    length: Math.min(free, request.path.length),
    value: inHand,
    arrived,
    emits: Math.round(1 + inHand),
  }
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}

function countUntil(due: readonly number[], moment: number): number {
  let count = 0
  while (count < due.length && due[count]! <= moment) count++
  return count
}
