/** Who drafts. */
export const MODES = ['alone', 'local', 'scouts-1', 'scouts-4'] as const
export type Mode = (typeof MODES)[number]

/** One measured combination. */
export interface Cell {
  readonly shape: string
  readonly mode: Mode
  readonly alpha: number
  readonly rtt_ms: number
  readonly users: number
  /** Median of the rounds. */
  readonly tokens_per_s: number
  /** Against the median of `alone` in the same rounds. */
  readonly over_alone: number
  /**
   * Of one request with one Scout: `over_alone` against that of the best policy that there is for the measured pass times,
   * without jitter and loss; else null.
   */
  readonly of_optimum: number | null
  /** Drafted tokens over all. */
  readonly drafted_share: number
  /** Tokens that a Scout drafts while the Oracle makes one alone. */
  readonly speed: number
  /** How often the Oracle said, in these rounds, that a worker is not needed. */
  readonly not_needed: number
  /** Tokens/s of each round. */
  readonly rounds: readonly number[]
}

/** What the Scouts of a group of cells are like. */
export interface Setting {
  readonly alpha: number
  readonly rttMs: number
  readonly users: number
  readonly speed: number
}

export function settingsOf(choice: {
  readonly alphas: readonly number[]
  readonly rtts: readonly number[]
  readonly users: readonly number[]
  readonly speeds: readonly number[]
}): Setting[] {
  return choice.users.flatMap((users) =>
    choice.speeds.flatMap((speed) =>
      choice.rtts.flatMap((rttMs) => choice.alphas.map((alpha) => ({ alpha, rttMs, users, speed }))),
    ),
  )
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}
