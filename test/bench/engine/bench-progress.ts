import { timeText } from '../../../native-host/models/byte-text.ts'

const BAR = 24

/** How far a benchmark is: one line on a terminal, drawn anew; elsewhere a line for every step. */
export class BenchProgress {
  readonly #steps: number
  readonly #isTerminal = process.stderr.isTTY === true && process.env.TERM !== 'dumb'
  readonly #start = performance.now()
  #done = 0
  #isDrawn = false

  constructor(steps: number) {
    this.#steps = steps
  }

  /** What begins now; the step before it has ended. */
  step(what: string): void {
    const share = this.#done / this.#steps
    const full = Math.round(share * BAR)
    const left = share > 0 ? `  ${this.#left(share)} left` : ''
    const text = `[${'#'.repeat(full)}${'-'.repeat(BAR - full)}] ${Math.floor(share * 100)} %${left}  ${what}`
    this.#done = Math.min(this.#done + 1, this.#steps - 1)
    if (this.#isTerminal)
      process.stderr.write(`\r\x1b[K${text.slice(0, (process.stderr.columns ?? 100) - 1)}`)
    else process.stderr.write(`${text}\n`)
    this.#isDrawn = this.#isTerminal
  }

  #left(share: number): string {
    return timeText(((performance.now() - this.#start) * (1 / share - 1)) / 1000)
  }

  end(): void {
    if (this.#isDrawn) process.stderr.write('\r\x1b[K')
  }
}
