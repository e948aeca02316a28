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
  /** P of each token of the path that is being continued by the worker with the best prospects; may go on after `path`. */
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
  /** Tokens per millisecond that all requests have made of late: what a millisecond of waiting costs. */
  readonly pace: number
}

export interface WaitDecision {
  /** 0 = begin the pass now. */
  readonly waitMs: number
  /**
   * Tokens of this pass and, where the path in hand survives it, of the next in expectation, less what their time is worth
   * at the going pace: beginning at once, and after the wait.
   */
  readonly valueNow: number
  readonly valueAfter: number
}

/** Times that are weighed against each other: more would not change the outcome noticeably. */
const MOMENTS = 16

/**
 * Whether putting the pass off pays, over this pass and the next: a draft that comes while a pass runs is not lost, it
 * grafts onto what the pass decoded. The next pass counts as far as the path lives on: where it does not, all begins anew,
 * which is worth what it costs. Time is charged at the pace of late, not at that of these two passes: just after a
 * rejection they are poor ones, and time would seem cheap. All requests count, those that gain and those that only wait, so
 * another request that uses the engine better outweighs the wait.
 */
export function decideWait(
  requests: readonly WaitRequest[],
  limits: WaitLimits,
  cost: PassCostModel,
): WaitDecision {
  const base = baseOf(requests)
  const price = Math.max(limits.pace, base.emitting / cost(base.rows, base.context))
  const outlook = { requests, base, maxRows: limits.maxRows, cost, price }
  const valueNow = valueAfter(outlook, 0)
  let best = { waitMs: 0, valueNow, valueAfter: valueNow }
  for (const moment of moments(requests, limits.maxWaitMs)) {
    const value = valueAfter(outlook, moment)
    if (value > best.valueAfter) best = { waitMs: moment, valueNow, valueAfter: value }
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

/** What enters a pass anyway. */
interface Base {
  readonly rows: number
  readonly context: number
  /** Requests of which a token comes out. */
  readonly emitting: number
}

interface Outlook {
  readonly requests: readonly WaitRequest[]
  readonly base: Base
  readonly maxRows: number
  readonly cost: PassCostModel
  /** Tokens that a millisecond is worth. */
  readonly price: number
}

function baseOf(requests: readonly WaitRequest[]): Base {
  let rows = 0
  let context = 0
  let emitting = 0
  for (const request of requests) {
    rows += request.rows
    context += request.context
    if (request.emits) emitting++
  }
  return { rows, context, emitting }
}

/** Value of a pass that begins after `wait`, and of the one after it if the path lives on. */
function valueAfter(outlook: Outlook, wait: number): number {
  const { requests, base, price } = outlook
  const emitting = requests.filter(({ emits }) => emits)
  const chains = emitting.map((request) => chainBy(request, wait))
  const firsts = emitting.map(({ path }, i) => (sum(path) >= sum(chains[i]!) ? path : chains[i]!))
  const first = choose(outlook, firsts)
  /** Chance that all is right of each chain that the first pass emits; what comes after is told given that. */
  const survivals: number[] = []
  const seconds = emitting.map((request, i) => {
    const taken = firsts[i]!.filter((p) => p >= first.least).length
    // A path of another worker: the chain goes on if it agrees with what the pass emits.
    const emitted = firsts[i] === chains[i] ? taken + 1 : Math.round(1 + sum(firsts[i]!.slice(0, taken)))
    const chain = chainBy(request, wait + first.ms)
    const survives = chain[emitted - 1] ?? 0
    survivals.push(survives)
    return chain.slice(emitted).map((p) => p / survives)
  })
  const second = choose(outlook, seconds)
  const survival = emitting.length === 0 ? 0 : sum(survivals) / emitting.length
  const after = base.emitting + second.tokens - price * second.ms
  return base.emitting + first.tokens - price * (wait + first.ms) + survival * after
}

/** The chain in hand once so much time has passed, by the chance of each token. */
function chainBy(request: WaitRequest, moment: number): readonly number[] {
  const chain = [...request.ahead]
  let p = (request.ahead.at(-1) ?? 1) * request.reliability
  for (const due of request.due) {
    if (due > moment) break
    p *= request.alpha
    chain.push(p)
  }
  return chain
}

/** As many of the likeliest drafts as are worth their time in a pass; `least`: the chance of the last one taken. */
function choose({ base, maxRows, cost, price }: Outlook, paths: readonly (readonly number[])[]) {
  const nodes = Float64Array.from(paths.flat()).sort().reverse()
  const most = Math.min(nodes.length, maxRows - base.rows)
  let tokens = 0
  let best = { tokens: 0, ms: cost(base.rows, base.context), least: Number.POSITIVE_INFINITY }
  let next = 1
  for (let i = 0; i < most; i++) {
    tokens += nodes[i]!
    if (i + 1 < next && i + 1 < most) continue
    // Every size up to five, then in steps of a quarter: what lies between differs little.
    next = i + 2 + (i >> 2)
    const rows = base.rows + i + 1
    const ms = cost(rows, (base.context * rows) / base.rows)
    if (tokens - price * ms > best.tokens - price * best.ms) best = { tokens, ms, least: nodes[i]! }
  }
  return best
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}
