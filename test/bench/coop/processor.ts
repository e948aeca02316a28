import { type ChildProcess, fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'

/** From the sources and from the bundle, which lies as deep. */
const ENTRY = fileURLToPath(new URL('../../../test/bench/coop/processor-entry.ts', import.meta.url))

/** A process that computes when told to, as a draft model's engine does, on the cores of this one. */
export class Processor {
  readonly #child: ChildProcess
  readonly #waiting = new Map<number, () => void>()
  #asked = 0

  constructor() {
    this.#child = fork(ENTRY, { execArgv: [] })
    this.#child.on('message', (ids: readonly number[]) => {
      for (const id of ids) {
        this.#waiting.get(id)?.()
        this.#waiting.delete(id)
      }
    })
  }

  /** Resolves when so many milliseconds of its processor have gone into it; those asked for meanwhile share the next. */
  compute(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const id = this.#asked++
      this.#waiting.set(id, resolve)
      this.#child.send({ id, ms } satisfies Step)
    })
  }

  stop(): void {
    this.#child.disconnect()
  }
}

export interface Step {
  readonly id: number
  readonly ms: number
}
