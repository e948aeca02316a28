/** Drafts must promise so much more than a pass without them: what passes cost is not known more exactly. */
export const LEAST_GAIN = 1.03

/** What the planner needs to know of one runnable request. */
export interface PlanRequest {
  readonly id: number
  /** True tokens that are not in the KV cache yet, at least one; the last of them is the base row. */
  readonly pending: number
  /** Tokens in the KV cache. */
  readonly context: number
  /** P of each node along the draft path, from the root on: chance that this token will be emitted; never rising. */
  readonly path: readonly number[]
}

/** Duration of a pass in milliseconds; `context` is the sum, over all rows, of the tokens each attends to. */
export type PassCostModel = (rows: number, context: number) => number

export interface PlanLimits {
  /** Most rows of the pass, at least the number of requests. */
  readonly maxRows: number
  /** Most rows of a pass that takes drafts, beside those of prompts: what larger ones cost is not known yet. */
  readonly knownRows: number
  /** Most prompt rows while another request decodes. */
  readonly prefillRows: number
  /** Take every draft that fits, whether it pays or not. */
  readonly forceDrafts: boolean
}

/** One request's share of the pass. */
export interface PlanItem {
  readonly id: number
  /** How many of its pending tokens enter, at least one. */
  readonly known: number
  /** All pending tokens enter, so the base row is there and a token comes out. */
  readonly samples: boolean
  /** How many tokens of its draft path enter. */
  readonly drafts: number
}

export interface Plan {
  readonly items: readonly PlanItem[]
  readonly rows: number
  readonly promptRows: number
  readonly baseRows: number
  readonly draftRows: number
  /** Sum over the rows of the tokens each attends to. */
  readonly context: number
  /** Tokens that the pass emits in expectation, and what it is expected to take (ms). */
  readonly expectedTokens: number
  readonly expectedMs: number
}

/**
 * Decides the rows of the next pass: a base row or a chunk of the prompt for every request, then as many draft nodes,
 * most probable first, as maximise expected tokens per time. O(nodes log nodes).
 *
 * @throws {RangeError} when the rows do not suffice for one row per request
 */
export function planPass(requests: readonly PlanRequest[], limits: PlanLimits, cost: PassCostModel): Plan {
  if (requests.length > limits.maxRows) {
    throw new RangeError(`${requests.length} requests do not fit ${limits.maxRows} rows`)
  }
  const known = shareKnownRows(requests, limits)
  const drafts = new Array<number>(requests.length).fill(0)
  let rows = 0
  let baseRows = 0
  let context = 0
  for (const [i, request] of requests.entries()) {
    const count = known[i]!
    rows += count
    if (count === request.pending) baseRows++
    context += count * request.context + (count * (count + 1)) / 2
  }
  const promptRows = rows - baseRows
  let expectedTokens = baseRows
  let expectedMs = cost(rows, context)

  const nodes = candidates(requests, known)
  let best = 0
  let bestRate = (LEAST_GAIN * expectedTokens) / expectedMs
  let sum = { rows, context, tokens: expectedTokens }
  const knownRows = limits.knownRows > 0 ? limits.knownRows + promptRows : 0
  const most = limits.forceDrafts ? limits.maxRows : Math.min(limits.maxRows, knownRows)
  for (let i = 0; i < nodes.length && sum.rows < most; i++) {
    const node = nodes[i]!
    sum = { rows: sum.rows + 1, context: sum.context + node.context, tokens: sum.tokens + node.p }
    const ms = cost(sum.rows, sum.context)
    const rate = sum.tokens / ms
    if (rate > bestRate || limits.forceDrafts) {
      best = i + 1
      bestRate = rate
      rows = sum.rows
      context = sum.context
      expectedTokens = sum.tokens
      expectedMs = ms
    }
  }
  for (let i = 0; i < best; i++) drafts[nodes[i]!.request]!++
  return {
    items: requests.map((request, i) => ({
      id: request.id,
      known: known[i]!,
      samples: known[i] === request.pending,
      drafts: drafts[i]!,
    })),
    rows,
    promptRows,
    baseRows,
    draftRows: best,
    context,
    expectedTokens,
    expectedMs,
  }
}

/** One row each first; then the prompts, oldest request first, share what their budget leaves. */
function shareKnownRows(requests: readonly PlanRequest[], limits: PlanLimits): number[] {
  const decoding = requests.some((request) => request.pending === 1)
  let free = limits.maxRows - requests.length
  if (decoding) free = Math.min(free, limits.prefillRows)
  return requests.map((request) => {
    const extra = Math.min(request.pending - 1, free)
    free -= extra
    return 1 + extra
  })
}

interface Candidate {
  readonly request: number
  readonly depth: number
  readonly p: number
  /** Tokens that its row attends to. */
  readonly context: number
}

/** Draft nodes of the requests whose base row is in the pass, most probable first, a child never before its parent. */
function candidates(requests: readonly PlanRequest[], known: readonly number[]): Candidate[] {
  const nodes: Candidate[] = []
  for (const [i, request] of requests.entries()) {
    if (known[i] !== request.pending) continue
    for (const [depth, p] of request.path.entries()) {
      nodes.push({ request: i, depth, p, context: request.context + request.pending + depth + 1 })
    }
  }
  return nodes.sort((a, b) => b.p - a.p || a.depth - b.depth || a.request - b.request)
}
