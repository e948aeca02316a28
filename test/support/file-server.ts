import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** One request as a handler sees it. */
export interface Asked {
  readonly path: string
  readonly headers: IncomingHttpHeaders
  /** Of a Range header; `end` is exclusive. */
  readonly range: { readonly start: number; readonly end: number } | null
  /** 0 for the first request of this path. */
  readonly nth: number
}

export type FileHandler = (asked: Asked, response: ServerResponse) => void | Promise<void>

/** A real HTTP server on loopback that behaves as a test wants, and counts. */
export class FileServer {
  readonly url: string
  readonly asked: readonly Asked[]
  readonly #counts: { bytes: number; most: number; open: number }
  readonly #close: () => Promise<void>

  private constructor(
    url: string,
    asked: Asked[],
    counts: { bytes: number; most: number; open: number },
    close: () => Promise<void>,
  ) {
    this.url = url
    this.asked = asked
    this.#counts = counts
    this.#close = close
  }

  static async start(handler: FileHandler): Promise<FileServer> {
    const asked: Asked[] = []
    const counts = { bytes: 0, most: 0, open: 0 }
    const server = createServer((request, response) => {
      const path = new URL(request.url!, 'http://x').pathname
      const range = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '')
      const one: Asked = {
        path,
        headers: request.headers,
        range: range && { start: Number(range[1]), end: Number(range[2]) + 1 },
        nth: asked.filter((before) => before.path === path).length,
      }
      asked.push(one)
      counts.most = Math.max(counts.most, ++counts.open)
      const write = response.write.bind(response)
      response.write = ((chunk: Uint8Array) => {
        counts.bytes += chunk.length
        return write(chunk)
      }) as typeof response.write
      response.once('close', () => counts.open--)
      void Promise.resolve(handler(one, response)).catch((error: Error) => response.destroy(error))
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    return new FileServer(`http://127.0.0.1:${port}`, asked, counts, async () => {
      server.closeAllConnections()
      server.close()
    })
  }

  /** Of bodies, so far. */
  get bytesSent(): number {
    return this.#counts.bytes
  }

  /** Requests under way at the same time. */
  get mostAtOnce(): number {
    return this.#counts.most
  }

  /** Requests under way now. */
  get open(): number {
    return this.#counts.open
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#close()
  }
}

export interface Sending {
  readonly headers?: Readonly<Record<string, string>>
  /** Answers 200 with everything, whatever was asked for. */
  readonly ignoreRange?: boolean
  /** Breaks the connection after so many bytes of the body. */
  readonly cutAfter?: number
  /** Sends so much and then waits. */
  readonly hold?: { readonly after: number; readonly until: Promise<unknown> }
}

/** Sends a file, or the range of it that was asked for, in pieces of 64 KiB. */
export async function sendFile(
  { range }: Asked,
  response: ServerResponse,
  file: Uint8Array,
  { headers = {}, ignoreRange = false, cutAfter = Number.POSITIVE_INFINITY, hold }: Sending = {},
): Promise<void> {
  const part = range === null || ignoreRange ? { start: 0, end: file.length } : range
  const end = Math.min(part.end, file.length)
  if (range !== null && !ignoreRange) {
    if (part.start >= file.length) {
      response.writeHead(416, { 'Content-Range': `bytes */${file.length}` }).end()
      return
    }
    response.writeHead(206, {
      'Content-Length': end - part.start,
      'Content-Range': `bytes ${part.start}-${end - 1}/${file.length}`,
      ...headers,
    })
  } else response.writeHead(200, { 'Content-Length': file.length, ...headers })
  const closed = new Promise((resolve) => response.once('close', resolve))
  let held = hold
  for (let at = part.start; at < end; ) {
    const sent = at - part.start
    const stop = Math.min(
      end,
      at + 65_536,
      part.start + cutAfter,
      part.start + (held?.after ?? Number.POSITIVE_INFINITY),
    )
    if (stop > at && !response.write(file.subarray(at, stop)))
      await Promise.race([new Promise((resolve) => response.once('drain', resolve)), closed])
    if (response.destroyed) return
    at = stop
    if (at - part.start >= cutAfter) {
      // What was written goes out first.
      setImmediate(() => response.destroy())
      return
    }
    if (held !== undefined && at - part.start >= held.after) {
      await Promise.race([held.until, closed])
      if (response.destroyed) return
      held = undefined
    } else if (at - part.start === sent) throw new Error('nothing was sent')
  }
  response.end()
}
