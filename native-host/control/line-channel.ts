import type { Socket } from 'node:net'
import type { z } from 'zod'
import { CONTROL_LINE_BYTES } from './control-messages.ts'

const NEWLINE = 10

/** A side that does not read is dropped when this much waits for it. */
const MOST_UNREAD_BYTES = 1024 * 1024

/**
 * JSON objects, one a line, over a socket. What comes is parsed by the schema; a line that is too long, no JSON or of
 * another shape ends the channel: both sides are ours, and nothing sensible could follow.
 */
export class LineChannel<In, Out> {
  readonly #socket: Socket
  readonly #schema: z.ZodType<In>
  #parts: Buffer[] = []
  #size = 0

  constructor(socket: Socket, schema: z.ZodType<In>, handlers: ChannelHandlers<In>) {
    this.#socket = socket
    this.#schema = schema
    socket.on('data', (chunk: Buffer) => {
      for (const line of this.#lines(chunk)) {
        const message = this.#parse(line)
        if (message === null) return this.#break(handlers, 'it sent something that is no message')
        handlers.message(message)
      }
      if (this.#size > CONTROL_LINE_BYTES) this.#break(handlers, 'it sent a line without an end')
    })
    // 'close' follows.
    socket.on('error', () => {})
    socket.once('close', () => handlers.closed())
  }

  send(message: Out): void {
    if (this.#socket.destroyed || this.#socket.writableEnded) return
    this.#socket.write(`${JSON.stringify(message)}\n`)
    if (this.#socket.writableLength > MOST_UNREAD_BYTES) this.#socket.destroy()
  }

  /** Ends after what was sent has gone out. */
  end(): void {
    this.#socket.end()
  }

  destroy(): void {
    this.#socket.destroy()
  }

  #break(handlers: ChannelHandlers<In>, why: string): void {
    handlers.broken?.(why)
    this.#parts = []
    this.#size = 0
    this.#socket.destroySoon()
  }

  *#lines(chunk: Buffer): Generator<Buffer> {
    let from = 0
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, from)) {
      const line = Buffer.concat([...this.#parts, chunk.subarray(from, end)])
      this.#parts = []
      this.#size = 0
      from = end + 1
      yield line
    }
    if (from === chunk.length) return
    this.#parts.push(chunk.subarray(from))
    this.#size += chunk.length - from
  }

  #parse(line: Buffer): In | null {
    if (line.length > CONTROL_LINE_BYTES) return null
    try {
      return this.#schema.parse(JSON.parse(line.toString('utf8')))
    } catch {
      return null
    }
  }
}

export interface ChannelHandlers<In> {
  message(message: In): void
  /** The other side broke the rules; `closed` follows. */
  broken?(why: string): void
  closed(): void
}
