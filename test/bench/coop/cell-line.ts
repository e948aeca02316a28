import type { Cell } from './cells.ts'

/** A cell as a line for people. */
export function cellLine({ over_alone, tokens_per_s, drafted_share, not_needed, ...cell }: Cell): string {
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
    not_needed > 0 ? 'not needed' : '',
  ].join(' ')
}
