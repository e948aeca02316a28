/** Passes of one size that count: enough to average noise, few enough to follow a machine that gets busy. */
const MEMORY = 48
/** The same where two states of the machine are told apart, and the difference should show soon. */
const SHORT_MEMORY = 32
/** Passes of one size after which an outlier is recognised, and how far it may pull (a stall of the machine is no cost). */
const TRUSTED = 5
const OUTLIER = 3
/** Passes after which a size that did not occur is measured anew: it may have been seen while the machine was busy. */
const STALE = 128
/** Sizes remembered one by one up to here, in steps of an eighth above: kernels make staircases at small multiples. */
const EXACT = 64

/** What was measured of passes of one size. */
interface Cell {
  readonly rows: number
  count: number
  /** Number of the last pass of this size. */
  at: number
  /** Means of duration (ms) and context. */
  ms: number
  context: number
  /** The same of passes while nobody drafted, and while somebody did. */
  readonly calm: Mean
  readonly busy: Mean
}

interface Mean {
  count: number
  ms: number
  context: number
}

/**
 * Duration of a pass, learned while running: T(rows, context) = f(rows) + b · context with f non-decreasing and b ≥ 0.
 * `context` is the sum, over the pass's rows, of the tokens each attends to. b comes from passes of one size among
 * themselves, so that it is not confused with f.
 */
export class PassCost {
  readonly #cells = new Map<number, Cell>()
  #passes = 0
  /**
   * Sums over passes of (context − the mean) × (ms − the mean), and squares of the former: means of one size in one state,
   * so that what drafting takes is not put down to the context, which grows meanwhile.
   */
  #covariance = 0
  #variance = 0
  #curve: { readonly rows: readonly number[]; readonly ms: readonly number[] } | null = null

  /** `calm`: nobody drafted meanwhile. */
  observe(rows: number, context: number, ms: number, calm = false): void {
    const key = bucket(rows)
    const cell = this.#cells.get(key) ?? {
      rows: key,
      count: 0,
      at: 0,
      ms: 0,
      context: 0,
      calm: unknown(),
      busy: unknown(),
    }
    this.#cells.set(key, cell)
    const expected = cell.ms + this.#slope() * (context - cell.context)
    const taken = cell.count >= TRUSTED ? Math.min(ms, OUTLIER * Math.max(expected, 0)) : ms
    const weight = 1 / Math.min(cell.count + 1, MEMORY)
    const mean = calm ? cell.calm : cell.busy
    if (mean.count > 0) {
      const contextError = context - mean.context
      const forget = 1 - 1 / (4 * MEMORY)
      this.#covariance = this.#covariance * forget + contextError * (taken - mean.ms)
      this.#variance = this.#variance * forget + contextError * contextError
    }
    cell.count++
    cell.at = ++this.#passes
    cell.ms += weight * (taken - cell.ms)
    cell.context += weight * (context - cell.context)
    this.#curve = null
    const share = 1 / Math.min(++mean.count, SHORT_MEMORY)
    mean.ms += share * (taken - mean.ms)
    mean.context += share * (context - mean.context)
  }

  /**
   * Expected milliseconds while nobody drafts (`calm`), or while somebody does (`busy`), as seen of late; null where no
   * such pass of this very size was seen.
   */
  while(state: 'calm' | 'busy', rows: number, context: number): number | null {
    const mean = this.#cells.get(bucket(rows))?.[state]
    if (mean === undefined || mean.count === 0) return null
    return Math.max(1e-6, mean.ms + this.#slope() * (context - mean.context))
  }

  /** Expected milliseconds; 1 for every pass while nothing is known, so that plans compare by tokens alone. */
  estimate(rows: number, context: number): number {
    const curve = this.#fit()
    if (curve.rows.length === 0) return 1
    return Math.max(1e-6, interpolate(curve.rows, curve.ms, rows) + this.#slope() * context)
  }

  /** Rows up to which an estimate is worth something: twice the largest size seen, so that sizes grow by doubling. */
  get knownRows(): number {
    return 2 * Math.max(0, ...this.#cells.keys())
  }

  /** Whether a pass of this very size was seen not long ago: what lies between others may be off by a stair. */
  isFresh(rows: number): boolean {
    const cell = this.#cells.get(bucket(rows))
    return cell !== undefined && this.#passes - cell.at < STALE
  }

  /** What was measured: sizes seen and their mean milliseconds, at the contexts they had. */
  table(): (readonly [rows: number, ms: number])[] {
    return this.#sorted().map((cell) => [cell.rows, cell.ms] as const)
  }

  #slope(): number {
    return this.#variance > 0 ? Math.max(0, this.#covariance / this.#variance) : 0
  }

  #sorted(): Cell[] {
    return [...this.#cells.values()].sort((a, b) => a.rows - b.rows)
  }

  /** f as a non-decreasing curve through the cells: pool adjacent violators, weighted by how often each was seen. */
  #fit(): { readonly rows: readonly number[]; readonly ms: readonly number[] } {
    if (this.#curve !== null) return this.#curve
    const cells = this.#sorted()
    const slope = this.#slope()
    const blocks: { ms: number; weight: number; cells: number }[] = []
    for (const cell of cells) {
      let block = { ms: cell.ms - slope * cell.context, weight: Math.min(cell.count, MEMORY), cells: 1 }
      for (let last = blocks.at(-1); last !== undefined && last.ms >= block.ms; last = blocks.at(-1)) {
        blocks.pop()
        const weight = last.weight + block.weight
        const ms = (last.ms * last.weight + block.ms * block.weight) / weight
        block = { ms, weight, cells: last.cells + block.cells }
      }
      blocks.push(block)
    }
    const ms = blocks.flatMap((block) => new Array<number>(block.cells).fill(block.ms))
    this.#curve = { rows: cells.map((cell) => cell.rows), ms }
    return this.#curve
  }
}

function unknown(): Mean {
  return { count: 0, ms: 0, context: 0 }
}

function bucket(rows: number): number {
  if (rows <= EXACT) return rows
  const step = 2 ** (Math.floor(Math.log2(rows)) - 3)
  return Math.round(rows / step) * step
}

/** Linear between known sizes; below the first as the first; above the last with the slope of the whole curve. */
function interpolate(xs: readonly number[], ys: readonly number[], x: number): number {
  const last = xs.length - 1
  if (x <= xs[0]!) return ys[0]!
  if (x >= xs[last]!) {
    const slope = last === 0 ? 0 : (ys[last]! - ys[0]!) / (xs[last]! - xs[0]!)
    return ys[last]! + slope * (x - xs[last]!)
  }
  let low = 0
  let high = last
  while (high - low > 1) {
    const middle = (low + high) >> 1
    if (xs[middle]! <= x) low = middle
    else high = middle
  }
  const share = (x - xs[low]!) / (xs[high]! - xs[low]!)
  return ys[low]! + share * (ys[high]! - ys[low]!)
}
