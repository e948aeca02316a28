import type { Clock } from '../../native-host/oracle/clock.ts'

interface Timer {
  readonly at: number
  readonly order: number
  readonly fire: () => void
}

/** Simulated time: it jumps to the next timer once everything that could run has run. Same inputs, same order. */
export class VirtualClock implements Clock {
  #now = 0
  #order = 0
  /** A binary heap by time, then by order of creation. */
  readonly #timers: Timer[] = []

  now(): number {
    return this.#now
  }

  /** Calls back after `ms`. */
  after(ms: number, fire: () => void): void {
    this.at(this.#now + ms, fire)
  }

  /** Calls back at a moment; those of the same moment in the order in which they were asked for. */
  at(moment: number, fire: () => void): void {
    this.#push({ at: Math.max(this.#now, moment), order: this.#order++, fire })
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      if (signal?.aborted) return resolve()
      signal?.addEventListener('abort', () => resolve(), { once: true })
      this.after(ms, resolve)
    })
  }

  /** Runs until the promise settles; throws when time would stand still, or after `limitMs` of simulated time. */
  async run<T>(promise: Promise<T>, limitMs: number): Promise<T> {
    let settled = false
    promise.then(
      () => {
        settled = true
      },
      () => {
        settled = true
      },
    )
    for (;;) {
      // Every promise that can go on has gone on before this returns.
      await new Promise((resolve) => setImmediate(resolve))
      if (settled) return promise
      const timer = this.#pop()
      if (timer === undefined) throw new Error(`nothing more happens at ${this.#now} ms`)
      if (timer.at > limitMs) throw new Error(`not done after ${limitMs} ms`)
      this.#now = timer.at
      timer.fire()
    }
  }

  #push(timer: Timer): void {
    const heap = this.#timers
    let i = heap.push(timer) - 1
    while (i > 0) {
      const parent = (i - 1) >> 1
      if (before(heap[parent]!, timer)) break
      heap[i] = heap[parent]!
      i = parent
    }
    heap[i] = timer
  }

  #pop(): Timer | undefined {
    const heap = this.#timers
    const top = heap[0]
    const last = heap.pop()
    if (top === undefined || last === undefined || heap.length === 0) return top
    let i = 0
    for (;;) {
      let child = 2 * i + 1
      if (child >= heap.length) break
      if (child + 1 < heap.length && before(heap[child + 1]!, heap[child]!)) child++
      if (before(last, heap[child]!)) break
      heap[i] = heap[child]!
      i = child
    }
    heap[i] = last
    return top
  }
}

function before(a: Timer, b: Timer): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order)
}
