import { randomUUID } from 'node:crypto'
import { Hono } from 'hono'
import { ApiError } from './api-error.ts'
import { chatCompletions } from './chat-completions.ts'
import type { ApiContext } from './context.ts'
import type { ApiEnv } from './disconnect.ts'
import { Gate } from './gate.ts'
import { toApiError } from './generation-error.ts'
import { type GuardRules, guard } from './guard.ts'
import { health } from './health.ts'
import { listModels, oneModel } from './models.ts'
import { type StaticFile, staticResponse } from './static-files.ts'
import { textCompletions } from './text-completions.ts'

export interface AppOptions {
  readonly api: ApiContext
  readonly rules: GuardRules
  readonly files: ReadonlyMap<string, StaticFile>
  /** Shared with whoever else takes requests; absent: the API's own. */
  readonly gate?: Gate
}

/** Paths and their one method; GET answers HEAD too. */
const METHODS: Readonly<Record<string, 'GET' | 'POST'>> = {
  '/v1/chat/completions': 'POST',
  '/v1/completions': 'POST',
  '/v1/models': 'GET',
  '/v1/system/topology': 'GET',
  '/v1/system/peers': 'GET',
  '/health': 'GET',
  '/metrics': 'GET',
}

/**
 * The HTTP API as one value: `app.request()` answers without a socket.
 */
export function createApp({ api, rules, files, gate: shared }: AppOptions): Hono<ApiEnv> {
  const app = new Hono<ApiEnv>()
  const gate = shared ?? new Gate(api.limits.maxRequests)

  app.use(async (c, next) => {
    c.set('requestId', `req_${randomUUID().replaceAll('-', '')}`)
    await next()
    c.header('X-Request-Id', c.get('requestId'))
    c.header('X-Content-Type-Options', 'nosniff')
    // Its own page says where it comes from, which the guard asks for; nobody else hears it.
    c.header('Referrer-Policy', 'same-origin')
    c.header('Cross-Origin-Resource-Policy', 'same-origin')
    if (!c.res.headers.has('Content-Security-Policy'))
      c.header('Content-Security-Policy', "default-src 'none'; frame-ancestors 'none'")
    if (!c.res.headers.has('Cache-Control')) c.header('Cache-Control', 'no-store')
    api.log.debug(
      { id: c.get('requestId'), method: c.req.method, path: c.req.path, status: c.res.status },
      'answered',
    )
  })
  app.use(guard(rules))

  app.post('/v1/chat/completions', (c) => chatCompletions(c, api, gate))
  app.post('/v1/completions', (c) => textCompletions(c, api, gate))
  app.get('/v1/models', (c) => listModels(api).then((list) => c.json(list)))
  app.get('/v1/models/:id', (c) => oneModel(api, c.req.param('id')).then((model) => c.json(model)))
  app.get('/v1/system/topology', (c) => c.json(api.mesh?.topology() ?? { enabled: false }))
  app.get('/v1/system/peers', (c) => c.json({ peers: api.mesh?.peers() ?? [] }))
  app.get('/health', (c) => {
    const facts = health(api)
    return c.json(facts, facts.status === 'ok' ? 200 : 503)
  })
  app.get('/metrics', async (c) =>
    c.body(await api.metrics.registry.metrics(), 200, { 'Content-Type': api.metrics.registry.contentType }),
  )
  app.get('*', (c, next) => {
    const file = files.get(c.req.path)
    if (file) return Promise.resolve(staticResponse(file, c.req.path, c.req.header('if-none-match')))
    return next()
  })

  app.notFound((c) => {
    const method =
      METHODS[c.req.path] ?? (files.has(c.req.path) || /^\/v1\/models\//.test(c.req.path) ? 'GET' : null)
    if (method && c.req.method !== method)
      return new ApiError(405, `${c.req.path} takes ${method}, not ${c.req.method}`, {
        code: 'method_not_allowed',
        headers: { Allow: method },
      }).response()
    if (c.req.path === '/' && files.size === 0)
      return new ApiError(404, 'the chat page is not built: npm run build', { code: 'not_built' }).response()
    return new ApiError(404, `there is nothing at ${c.req.path.slice(0, 200)}`, {
      code: 'not_found',
    }).response()
  })
  app.onError((error) => {
    const apiError = toApiError(error, api.models.status())
    if (apiError.status === 500) api.log.error({ err: error }, 'request failed')
    return apiError.response()
  })
  return app
}
