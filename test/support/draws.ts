import { Random } from './random.ts'

/** What scenarios are drawn with. */
export class Draws extends Random {
  /** Integer in [low, high]. */
  int(low: number, high: number): number {
    return low + this.integer(high - low + 1)
  }

  between(low: number, high: number): number {
    return low + this.uniform() * (high - low)
  }

  chance(p: number): boolean {
    return this.uniform() < p
  }
}
