import { isLoopback } from '../settings/load.ts'
import { ModelError } from './model-error.ts'

/** A file in a repository of a hub. */
export interface HubFile {
  readonly repo: string
  readonly revision: string
  readonly file: string
}

export interface HubInit {
  /** Setting models.host. */
  readonly host: string
  /** HF_TOKEN: sent to this host alone. */
  readonly token?: string
}

/** Where models come from: huggingface.co, or a host with the same paths. */
export class Hub {
  readonly origin: string
  /** False lets redirects lead to plain http: the hub itself is reached that way. */
  readonly isSecure: boolean
  readonly #base: string
  readonly #token: string | null

  /** @throws {ModelError} BAD_SOURCE */
  constructor({ host, token }: HubInit) {
    const url = parseHttpUrl(host, 'the setting models.host')
    this.origin = url.origin
    this.isSecure = url.protocol === 'https:'
    this.#base = `${url.origin}${url.pathname.replace(/\/+$/, '')}`
    // In the clear everybody on the way would read it.
    this.#token = token && (this.isSecure || isLoopback(bareHost(url))) ? token : null
  }

  get hasToken(): boolean {
    return this.#token !== null
  }

  urlOf({ repo, revision, file }: HubFile): string {
    const path = [...repo.split('/'), 'resolve', revision, ...file.split('/')]
    return `${this.#base}/${path.map(encodeURIComponent).join('/')}`
  }

  owns(url: URL): boolean {
    return url.origin === this.origin
  }

  /** What a request to this address carries: the token goes to the hub and to nobody else, redirects included. */
  headersFor(url: URL): Record<string, string> {
    return this.#token !== null && this.owns(url) ? { Authorization: `Bearer ${this.#token}` } : {}
  }
}

/** @throws {ModelError} BAD_SOURCE */
export function parseHttpUrl(text: string, what: string): URL {
  const url = URL.canParse(text) ? new URL(text) : null
  if (url === null || (url.protocol !== 'https:' && url.protocol !== 'http:'))
    throw new ModelError(
      'BAD_SOURCE',
      `${what} must be an http or https address, not ${JSON.stringify(text)}`,
    )
  if (url.username !== '' || url.password !== '')
    throw new ModelError(
      'BAD_SOURCE',
      `${what} holds a password: addresses are logged; HF_TOKEN is for tokens of the hub`,
    )
  return url
}

function bareHost(url: URL): string {
  return url.hostname.replace(/^\[|\]$/g, '')
}
