/** ln Γ(x), x > 0: Stirling's series after shifting x up (Abramowitz & Stegun 6.1.41), relative error below 1e-12. */
function logGamma(x: number): number {
  let shift = 0
  let y = x
  while (y < 10) {
    shift += Math.log(y)
    y++
  }
  const inverse = 1 / (y * y)
  const series = (1 / 12 - inverse * (1 / 360 - inverse * (1 / 1260 - inverse / 1680))) / y
  return (y - 0.5) * Math.log(y) - y + 0.5 * Math.log(2 * Math.PI) + series - shift
}

/** Upper tail Q(a, x) of the regularised incomplete gamma function, by its power series (all terms are positive). */
function upperGamma(a: number, x: number): number {
  if (x <= 0) return 1
  const logScale = a * Math.log(x) - x - logGamma(a)
  if (x > a && logScale < -700) return 0
  let term = 1 / a
  let sum = term
  for (let n = 1; n < 100_000; n++) {
    term *= x / (a + n)
    sum += term
    if (term < sum * 1e-17) break
  }
  return 1 - sum * Math.exp(logScale)
}

export interface ChiSquare {
  readonly statistic: number
  readonly degrees: number
  /** Probability of a statistic at least this large when the counts do come from the expected distribution. */
  readonly pValue: number
}

/** Fewest expected draws of a cell (Cochran's rule); rarer cells are pooled. */
const LEAST_EXPECTED = 5

/** Pearson's test of counts [cells] against probabilities [cells] that sum to 1. */
export function chiSquare(counts: readonly number[], probabilities: readonly number[]): ChiSquare {
  const draws = counts.reduce((a, b) => a + b, 0)
  let statistic = 0
  let cells = 0
  const pool = { count: 0, expected: 0 }
  for (const [cell, count] of counts.entries()) {
    const expected = draws * probabilities[cell]!
    if (expected === 0 && count > 0) return { statistic: Infinity, degrees: 1, pValue: 0 }
    if (expected < LEAST_EXPECTED) {
      pool.count += count
      pool.expected += expected
    } else {
      statistic += (count - expected) ** 2 / expected
      cells++
    }
  }
  if (pool.expected > 0) {
    statistic += (pool.count - pool.expected) ** 2 / pool.expected
    cells++
  }
  const degrees = cells - 1
  if (degrees < 1) throw new Error(`${draws} draws are too few for ${counts.length} cells`)
  return { statistic, degrees, pValue: Math.max(0, upperGamma(degrees / 2, statistic / 2)) }
}
