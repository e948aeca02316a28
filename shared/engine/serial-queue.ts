import { EngineError } from './engine-error.ts'

/**
 * Runs tasks one at a time, in the order in which they came. A signal ends the wait at once; a task that has begun sees the
 * same signal and leaves things as they were, before the next one begins.
 */
export class SerialQueue {
  #tail: Promise<unknown> = Promise.resolve()

  run<T>(task: () => T | Promise<T>, signal?: AbortSignal): Promise<T> {
    const result = this.#tail.then(() => {
      throwIfAborted(signal)
      return task()
    })
    this.#tail = result.catch(() => undefined)
    return signal === undefined ? result : untilAborted(result, signal)
  }
}

/** @throws {EngineError} ABORTED */
export function throwIfAborted(signal?: AbortSignal): void {
  if (signal?.aborted) throw aborted(signal)
}

function aborted(signal: AbortSignal): EngineError {
  return new EngineError('ABORTED', 'the call was aborted', { cause: signal.reason })
}

async function untilAborted<T>(result: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>()
  const onAbort = () => reject(aborted(signal))
  if (signal.aborted) onAbort()
  else signal.addEventListener('abort', onAbort, { once: true })
  try {
    return await Promise.race([result, promise])
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}
