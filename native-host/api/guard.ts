import { createHash, timingSafeEqual } from 'node:crypto'
import type { MiddlewareHandler } from 'hono'
import { ApiError } from './api-error.ts'
import type { ApiEnv } from './disconnect.ts'

export interface GuardRules {
  /** True when the API listens on loopback only. */
  readonly loopback: boolean
  /** More host names under which it may be called, lower case. */
  readonly names: readonly string[]
  /** More origins whose pages may call it. */
  readonly origins: readonly string[]
  /** Empty: no key is asked for. */
  readonly key: string
  /** What pages of an extension must carry; empty: they are not let in. */
  readonly token: string
}

/** Pages of browser extensions: they may send anything anywhere that they have a permission for. */
const EXTENSION_ORIGIN = /^[a-z-]+-extension:/i

const LOOPBACK_NAME = /^(localhost|127\.\d{1,3}\.\d{1,3}\.\d{1,3}|\[::1\])$/
const IP_LITERAL = /^(\d{1,3}(\.\d{1,3}){3}|\[[0-9a-f:.]+\])$/

/**
 * Who may speak to this API: programs of this machine (or with the key), its own page, and pages of an extension with the
 * token. No page of another site: not by a name that it has pointed here (Host), not by a request across origins (Origin,
 * Sec-Fetch-Site), and no answer ever carries a CORS header: an extension with permission for the host needs none.
 */
export function guard(rules: GuardRules): MiddlewareHandler<ApiEnv> {
  return async (c, next) => {
    const { raw } = c.req
    const host = (raw.headers.get('host') ?? '').toLowerCase()
    checkHost(host, c.env?.incoming?.rawHeaders, rules)
    const url = c.env?.incoming?.url
    if (url !== undefined && !url.startsWith('/'))
      throw new ApiError(400, 'this is no proxy: ask for a path', { code: 'invalid_target' })
    const extension = isExtension(raw.headers, host, rules)
    if (extension) checkToken(raw.headers.get('authorization'), rules.token)
    else checkOrigin(raw.headers, host, rules, isPage(c.req.method, c.req.path))
    if (raw.headers.has('upgrade'))
      throw new ApiError(400, 'this API has no WebSocket and no other upgrade', { code: 'no_upgrade' })
    if (rules.key !== '' && !extension && !isPage(c.req.method, c.req.path))
      checkKey(raw.headers.get('authorization'), rules.key)
    await next()
  }
}

function checkHost(host: string, rawHeaders: readonly string[] | undefined, rules: GuardRules): void {
  const several =
    (rawHeaders ?? []).filter((name, i) => i % 2 === 0 && name.toLowerCase() === 'host').length > 1
  const name = host.replace(/:\d{1,5}$/, '')
  const known =
    LOOPBACK_NAME.test(name) || rules.names.includes(name) || (!rules.loopback && IP_LITERAL.test(name))
  if (known && !several) return
  throw new ApiError(
    421,
    `this API does not answer as ${JSON.stringify(host.slice(0, 100))}; use 127.0.0.1, or name it in the setting api.names`,
    { code: 'wrong_host' },
  )
}

/** A page or worker of an extension whose origin the owner has not listed. */
function isExtension(headers: Headers, host: string, { origins }: GuardRules): boolean {
  const origin = headers.get('origin')
  if (origin !== null) return EXTENSION_ORIGIN.test(origin) && !origins.includes(origin)
  // Browsers send no Origin with an extension's GET. Chromium says instead what no page and no address bar does; Firefox
  // says what our own page does, but that page sends its address, too, and an extension cannot.
  const mode = headers.get('sec-fetch-mode')
  const site = headers.get('sec-fetch-site')
  if (mode === null || mode === 'navigate' || (site !== 'none' && site !== 'same-origin')) return false
  const ownPage = site === 'same-origin' && headers.get('referer')?.startsWith(`http://${host}/`)
  return !ownPage && !origins.some((listed) => EXTENSION_ORIGIN.test(listed))
}

function checkOrigin(headers: Headers, host: string, rules: GuardRules, page: boolean): void {
  const origin = headers.get('origin')
  const own = origin === null || origin.toLowerCase() === `http://${host}` || rules.origins.includes(origin)
  const site = headers.get('sec-fetch-site')
  // A link on any site may lead to our page: it is a navigation, and its answer is nobody else's to read.
  const navigation = page && headers.get('sec-fetch-mode') === 'navigate'
  const near = site === null || site === 'same-origin' || site === 'none' || navigation
  if (own && (near || (origin !== null && rules.origins.includes(origin)))) return
  throw new ApiError(403, 'pages of other sites may not use this API', { code: 'foreign_origin' })
}

/** The chat page's own files hold no secret. */
function isPage(method: string, path: string): boolean {
  return (method === 'GET' || method === 'HEAD') && (path === '/' || path.startsWith('/assets/'))
}

function checkKey(authorization: string | null, key: string): void {
  if (carries(authorization, key)) return
  throw new ApiError(401, 'this API needs its key: Authorization: Bearer KEY (setting api.key)', {
    code: 'invalid_api_key',
    headers: { 'WWW-Authenticate': 'Bearer' },
  })
}

/** Whatever the path: not even that something answers here is an extension's to know without it. */
function checkToken(authorization: string | null, token: string): void {
  if (token !== '' && carries(authorization, token)) return
  throw new ApiError(401, 'an extension needs the token of this daemon, which the bridge hands over', {
    code: 'invalid_token',
    headers: { 'WWW-Authenticate': 'Bearer' },
  })
}

/** Takes the same time wherever they differ. */
function carries(authorization: string | null, secret: string): boolean {
  const given = /^Bearer (.+)$/i.exec(authorization ?? '')?.[1] ?? ''
  const digest = (text: string) => createHash('sha256').update(text).digest()
  return timingSafeEqual(digest(given), digest(secret))
}
