import type { Cell } from './cells.ts'

/** A cell as a line for people. */
export function cellLine(cell: Cell): string {
  const { over_alone, of_optimum, tokens_per_s, drafted_share, not_needed } = cell
  return [
    cell.shape.padEnd(9),
    `${cell.users} ${cell.users === 1 ? 'user' : 'users'}`.padEnd(9),
    `RTT ${cell.rtt_ms}`.padEnd(8),
    `α ${cell.alpha}`.padEnd(6),
    `×${cell.speed}`.padEnd(4),
    cell.mode.padEnd(9),
    `${tokens_per_s.toFixed(2)} tokens/s`.padStart(17),
    `${over_alone.toFixed(2)}×`.padStart(7),
    `drafted ${(100 * drafted_share).toFixed(0)} %`.padStart(14),
    of_optimum === null ? '' : `${(100 * of_optimum).toFixed(0)} % of the optimum`,
    not_needed > 0 ? 'not needed' : '',
  ].join(' ')
}
