import type { HttpBindings } from '@hono/node-server'
import type { Context } from 'hono'

/** What Hono gives the handlers here; `incoming` and `outgoing` are absent in in-process tests. */
export type ApiEnv = { Bindings: Partial<HttpBindings>; Variables: { requestId: string } }

/** Ends when the client goes away before its answer is complete; `end` ends it by hand. */
export function clientSignal(c: Context<ApiEnv>): { readonly signal: AbortSignal; readonly end: () => void } {
  const controller = new AbortController()
  const end = () => controller.abort()
  const outgoing = c.env?.outgoing
  if (outgoing) {
    if (outgoing.destroyed) end()
    outgoing.once('close', () => {
      if (!outgoing.writableFinished) end()
    })
  } else if (c.req.raw.signal.aborted) end()
  else c.req.raw.signal.addEventListener('abort', end, { once: true })
  return { signal: controller.signal, end }
}
