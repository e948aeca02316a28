import { EngineError } from './engine-error.ts'

/**
 * Runs tasks one at a time, in the order in which they came. A signal ends the wait at once; a task that has begun sees the
 * same signal and leaves things as they were, before the next one begins.
 */
export class SerialQueue {
  #tail: Promise<unknown> = Promise.resolve()

  run<T>(task: () => T | Promise<T>, signal?: AbortSignal): Promise<T> {
    let begun = false
    const result = this.#tail.then(() => {
      throwIfAborted(signal)
      begun = true
      return task()
    })
    this.#tail = result.catch(() => undefined)
    if (signal === undefined) return result
    const { promise, resolve, reject } = Promise.withResolvers<T>()
    const onAbort = () => {
      if (!begun) reject(aborted(signal))
    }
    signal.addEventListener('abort', onAbort, { once: true })
    if (signal.aborted) onAbort()
    result.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort))
    return promise
  }
}

/** @throws {EngineError} ABORTED */
export function throwIfAborted(signal?: AbortSignal): void {
  if (signal?.aborted) throw aborted(signal)
}

function aborted(signal: AbortSignal): EngineError {
  return new EngineError('ABORTED', 'the call was aborted', { cause: signal.reason })
}
