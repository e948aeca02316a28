import { setTimeout as sleep } from 'node:timers/promises'

/** Something that may go well at the next try. */
export class TransientError extends Error {
  override readonly name = 'TransientError'
  /** What it becomes when no try goes well. */
  readonly code: 'RATE_LIMITED' | 'UNREACHABLE' | 'BROKEN_OFF' | 'SERVER_FAILED'
  /** As the server asks; null leaves it to us. */
  readonly waitMs: number | null

  constructor(
    code: TransientError['code'],
    message: string,
    options: ErrorOptions & { readonly waitMs?: number | null } = {},
  ) {
    super(message, options)
    this.code = code
    this.waitMs = options.waitMs ?? null
  }
}

export interface RetryPolicy {
  /** Tries in a row that bring nothing. */
  readonly tries: number
  /** Before the second try; doubled for each further one. */
  readonly firstWaitMs: number
  readonly longestWaitMs: number
  /** A server that asks for more than this is not waited for. */
  readonly mostAskedMs: number
}

export const RETRY: RetryPolicy = {
  tries: 6,
  firstWaitMs: 500,
  longestWaitMs: 15_000,
  mostAskedMs: 120_000,
}

/** Counts the tries of one piece of work; progress makes it forget. */
export class Retries {
  readonly #policy: RetryPolicy
  #failed = 0

  constructor(policy: RetryPolicy) {
    this.#policy = policy
  }

  progressed(): void {
    this.#failed = 0
  }

  /** Waits until the next try. @throws the error itself when there is none, the signal's reason when it aborts */
  async next(error: TransientError, signal: AbortSignal): Promise<void> {
    this.#failed++
    const { tries, firstWaitMs, longestWaitMs, mostAskedMs } = this.#policy
    if (this.#failed >= tries || (error.waitMs ?? 0) > mostAskedMs) throw error
    const doubled = Math.min(longestWaitMs, firstWaitMs * 2 ** (this.#failed - 1))
    // Several connections that were cut off at once should not come back at once.
    const waitMs = error.waitMs ?? doubled * (0.75 + Math.random() / 2)
    await sleep(waitMs, undefined, { signal }).catch(() => signal.throwIfAborted())
  }
}

/** A Retry-After header, seconds or a date, in ms from now. */
export function retryAfterMs(header: string | null, now = Date.now()): number | null {
  if (header === null) return null
  if (/^\d{1,9}$/.test(header.trim())) return Number(header) * 1000
  const date = Date.parse(header)
  return Number.isNaN(date) ? null : Math.max(0, date - now)
}
