import { ShardError } from '../daemon/shard-error.ts'
import { isLoopback } from '../settings/load.ts'
import type { Settings } from '../settings/schema.ts'

/** Talks to a running daemon over its API. */
export class DaemonClient {
  readonly url: string
  readonly #headers: Readonly<Record<string, string>>

  constructor(settings: Settings, url?: string) {
    const host = settings['api.host']
    const name = isLoopback(host) ? host : '127.0.0.1'
    this.url =
      url?.replace(/\/(v1\/?)?$/, '') ??
      `http://${name.includes(':') ? `[${name}]` : name}:${settings['api.port']}`
    this.#headers = settings['api.key'] === '' ? {} : { Authorization: `Bearer ${settings['api.key']}` }
  }

  /** @throws {ShardError} NO_DAEMON, REFUSED */
  async get<T>(path: string, accept: readonly number[] = []): Promise<T> {
    return (await (await this.#fetch(path, {}, accept)).json()) as T
  }

  /** @throws {ShardError} NO_DAEMON, REFUSED */
  post(path: string, body: object, signal: AbortSignal): Promise<Response> {
    return this.#fetch(path, { method: 'POST', body: JSON.stringify(body), signal }, [])
  }

  async #fetch(path: string, init: RequestInit, accept: readonly number[]): Promise<Response> {
    let response: Response
    try {
      response = await fetch(`${this.url}${path}`, {
        ...init,
        headers: { ...this.#headers, 'Content-Type': 'application/json' },
      })
    } catch (cause) {
      if (init.signal?.aborted) throw cause
      throw new ShardError(
        'NO_DAEMON',
        `nothing answers at ${this.url}: start it with \`shard serve\`, or name another with --url`,
        { cause },
      )
    }
    if (response.ok || accept.includes(response.status)) return response
    const body = (await response.json().catch(() => null)) as { error?: { message?: string } } | null
    throw new ShardError('REFUSED', `${this.url}: ${body?.error?.message ?? `status ${response.status}`}`)
  }
}
