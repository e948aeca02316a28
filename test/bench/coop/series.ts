import { type Cell, type Mode, median, type Setting } from './cells.ts'
import type { Rate } from './saturation.ts'

/** The rounds of one cell so far, those of earlier runs among them. */
export class Series {
  readonly shape: string
  readonly mode: Mode
  readonly alpha: number
  readonly #setting: Setting
  readonly #rounds: number[]
  readonly #ratios: number[]
  #drafted: number
  #notNeeded: number

  constructor(shape: string, mode: Mode, alpha: number, setting: Setting, earlier: Cell | undefined) {
    this.shape = shape
    this.mode = mode
    this.alpha = alpha
    this.#setting = setting
    this.#rounds = [...(earlier?.rounds ?? [])]
    this.#ratios = [...(earlier?.ratios ?? [])]
    this.#drafted = (earlier?.drafted_share ?? 0) * this.#rounds.length
    this.#notNeeded = earlier?.not_needed ?? 0
  }

  get rounds(): number {
    return this.#rounds.length
  }

  /** @param alone the same round's */
  add({ tokensPerSecond, draftedShare }: Rate, alone: Rate): void {
    this.#rounds.push(rounded(tokensPerSecond))
    this.#ratios.push(rounded(tokensPerSecond / alone.tokensPerSecond))
    this.#drafted += draftedShare
  }

  /** In this many assignments the Oracle found a worker not needed, whether the round counted or not. */
  notNeeded(times: number): void {
    this.#notNeeded += times
  }

  /** @param optimum what the best policy would make of one Scout, as a multiple of alone; null: not known */
  cell(optimum: number | null): Cell {
    const { rttMs, users, speed } = this.#setting
    const overAlone = median(this.#ratios)
    return {
      shape: this.shape,
      mode: this.mode,
      alpha: this.alpha,
      rtt_ms: rttMs,
      users,
      tokens_per_s: rounded(median(this.#rounds)),
      over_alone: rounded(overAlone),
      of_optimum: this.mode === 'scouts-1' && optimum !== null ? rounded(overAlone / optimum) : null,
      drafted_share: rounded(this.#drafted / this.#rounds.length),
      speed,
      not_needed: this.#notNeeded,
      rounds: [...this.#rounds],
      ratios: [...this.#ratios],
    }
  }
}

function rounded(value: number): number {
  return Math.round(value * 1000) / 1000
}
