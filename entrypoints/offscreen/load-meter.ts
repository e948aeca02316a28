import type { LoadStep } from '../../shared/engine/remote/engine-messages.ts'
import type { LoadProgress } from '../background/state.ts'

/** Share of the whole load that reading takes; the rest is compiling shaders and filling buffers, seen only when done. */
const READ_SHARE = 0.6
/** A guess sooner than this is worth nothing. */
const GUESS_AFTER_MS = 500

/** Makes one honest bar out of a load's steps: it never goes back, and says how long it may take once that can be told. */
export class LoadMeter {
  readonly #startedAt: number
  readonly #now: () => number
  #fraction = 0

  constructor(now: () => number = () => performance.now()) {
    this.#now = now
    this.#startedAt = now()
  }

  take({ step, bytes, totalBytes }: LoadStep): LoadProgress {
    const fraction = step === 'compile' ? READ_SHARE : totalBytes > 0 ? (bytes / totalBytes) * READ_SHARE : 0
    this.#fraction = Math.max(this.#fraction, fraction)
    const elapsed = this.#now() - this.#startedAt
    const left = elapsed >= GUESS_AFTER_MS && this.#fraction > 0 ? elapsed / this.#fraction - elapsed : null
    return {
      step,
      fraction: this.#fraction,
      bytes,
      totalBytes,
      secondsLeft: left === null ? null : Math.ceil(left / 1000),
    }
  }
}
