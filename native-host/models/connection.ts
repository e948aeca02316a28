import { ModelError } from './model-error.ts'
import { TransientError } from './retry.ts'

/** Thrown when a server that was asked for a part sends the whole. */
export class RangesIgnored extends Error {
  override readonly name = 'RangesIgnored'
}

/** Aborts a request that brings nothing for too long. */
export class StallGuard {
  readonly signal: AbortSignal
  readonly #outer: AbortSignal
  readonly #stall = new AbortController()
  readonly #timer: NodeJS.Timeout
  readonly #ms: number

  constructor(outer: AbortSignal, ms: number) {
    this.#outer = outer
    this.#ms = ms
    this.signal = AbortSignal.any([outer, this.#stall.signal])
    this.#timer = setTimeout(() => this.#stall.abort(), ms)
  }

  feed(): void {
    this.#timer.refresh()
  }

  end(): void {
    clearTimeout(this.#timer)
  }

  /** An error of the connection as what it means. */
  explain(error: unknown, url: string): unknown {
    if (this.#outer.aborted) return this.#outer.reason
    if (error instanceof ModelError || error instanceof TransientError || error instanceof RangesIgnored)
      return error
    if (this.#stall.signal.aborted)
      return new TransientError('BROKEN_OFF', `${url} sends nothing for ${this.#ms / 1000} s`, {
        cause: error,
      })
    return connectionError(error, url)
  }
}

const NOT_CONNECTED = new Set([
  'ENOTFOUND',
  'EAI_AGAIN',
  'ECONNREFUSED',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ETIMEDOUT',
  'UND_ERR_CONNECT_TIMEOUT',
])

function connectionError(error: unknown, url: string): unknown {
  const cause = (error as Error).cause as NodeJS.ErrnoException | undefined
  const code = cause?.code ?? (error as NodeJS.ErrnoException).code ?? ''
  if (NOT_CONNECTED.has(code))
    return new TransientError(
      'UNREACHABLE',
      `cannot reach ${new URL(url).host} (${code}): look at the network, a proxy (NODE_USE_ENV_PROXY=1 with HTTPS_PROXY) or --host`,
      { cause: error },
    )
  if (/^(ERR_TLS|CERT|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO)/.test(code))
    return new ModelError(
      'UNREACHABLE',
      `${new URL(url).host} does not prove who it is (${code}): NODE_EXTRA_CA_CERTS names more certificates`,
      { cause: error },
    )
  return new TransientError(
    'BROKEN_OFF',
    `the connection to ${new URL(url).host} broke off (${code || (error as Error).message})`,
    { cause: error },
  )
}
