import { createServer, type Server } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { getRequestListener } from '@hono/node-server'
import type { Hono } from 'hono'
import type { ApiEnv } from './disconnect.ts'

export interface ListenOptions {
  readonly host: string
  readonly port: number
  readonly maxConnections: number
}

export interface Listening {
  readonly host: string
  readonly port: number
  /** Takes no more requests, then ends every connection that is still open after the grace. */
  close(graceMs: number): Promise<void>
}

/** Times in milliseconds: a program on the same machine sends its header and body at once. */
const HEADERS_MS = 10_000
const REQUEST_MS = 30_000
/** Without a byte either way; streams write a comment every few seconds, so a silent one has a reader that does not read. */
const IDLE_MS = 120_000
const KEEP_ALIVE_MS = 5_000
/** How often Node looks for connections past their time. */
const CHECK_MS = 1_000
const HEADER_BYTES = 16 * 1024
const HEADERS = 100

/** @throws what `listen` throws: EADDRINUSE, EACCES, EADDRNOTAVAIL */
export async function listen(app: Hono<ApiEnv>, options: ListenOptions): Promise<Listening> {
  const server = createServer(
    {
      headersTimeout: HEADERS_MS,
      requestTimeout: REQUEST_MS,
      keepAliveTimeout: KEEP_ALIVE_MS,
      connectionsCheckingInterval: CHECK_MS,
      maxHeaderSize: HEADER_BYTES,
      noDelay: true,
    },
    getRequestListener(app.fetch, { overrideGlobalObjects: false }),
  )
  server.maxHeadersCount = HEADERS
  server.maxConnections = options.maxConnections
  server.setTimeout(IDLE_MS, (socket: Socket) => socket.destroy())
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(options.port, options.host, () => {
      server.off('error', reject)
      resolve()
    })
  })
  const { address, port } = server.address() as AddressInfo
  return { host: address, port, close: (graceMs) => close(server, graceMs) }
}

async function close(server: Server, graceMs: number): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()))
  server.closeIdleConnections()
  const timer = setTimeout(() => server.closeAllConnections(), graceMs)
  await closed
  clearTimeout(timer)
}
