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
  /** Median of the rounds' ratios: each against `alone` in the same round, for what else the machine does comes and goes. */
  readonly over_alone: number
  /**
   * Of one request with one Scout: `over_alone` against that of the best policy that there is for the measured pass times,
   * without jitter and loss; else null.
   */
  readonly of_optimum: number | null
  /** Drafted tokens over all, mean of the rounds. */
  readonly drafted_share: number
  /** Tokens that a Scout drafts while the Oracle makes one alone. */
  readonly speed: number
  /** How often the Oracle said, in these rounds and those of practice, that a worker is not needed. */
  readonly not_needed: number
  /** Tokens/s of each round, and the same over alone's. */
  readonly rounds: readonly number[]
  readonly ratios: readonly number[]
}

/** Cells that are measured in turn, because they differ by nothing but who drafts. */
export interface Setting {
  readonly users: number
  readonly rttMs: number
  readonly speed: number
  readonly alphas: readonly number[]
  /** `alone` first: everything is told against it. */
  readonly modes: readonly Mode[]
}

/** The settings of Scouts, and those of the local drafter. */
export function settingsOf(choice: {
  readonly alphas: readonly number[]
  readonly rtts: readonly number[]
  readonly users: readonly number[]
  readonly speeds: readonly number[]
  readonly modes: readonly Mode[]
}): { readonly scouts: readonly Setting[]; readonly local: readonly Setting[] } {
  const { modes } = choice
  // The best first: an Oracle that a bad drafter has slowed down tries nobody for longer than a round takes.
  const alphas = [...choice.alphas].sort((a, b) => b - a)
  const settings = (modes: readonly Mode[], rtts: readonly number[]) =>
    choice.users.flatMap((users) =>
      choice.speeds.flatMap((speed) => rtts.map((rttMs) => ({ users, rttMs, speed, alphas, modes }))),
    )
  const scouts = modes.filter((mode) => mode !== 'local')
  return {
    scouts: scouts.length > 1 || modes.length === 1 ? settings(scouts, choice.rtts) : [],
    // No link is between the Oracle and its local drafter.
    local: modes.includes('local') ? settings(['alone', 'local'], [0]) : [],
  }
}

/** What tells a cell from all others. */
export function cellKey(cell: Pick<Cell, 'shape' | 'mode' | 'alpha' | 'rtt_ms' | 'users' | 'speed'>): string {
  const { shape, mode, alpha, rtt_ms, users, speed } = cell
  return JSON.stringify([shape, mode, alpha, rtt_ms, users, speed])
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}
