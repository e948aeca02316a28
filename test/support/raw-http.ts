import { once } from 'node:events'
import { connect, type Socket } from 'node:net'

/** One TCP connection to the API on which anything at all can be said. */
export class RawHttp {
  readonly socket: Socket
  received = ''
  closed = false

  private constructor(socket: Socket) {
    this.socket = socket
    socket.setEncoding('utf8')
    socket.on('data', (text: string) => {
      this.received += text
    })
    socket.on('close', () => {
      this.closed = true
    })
    // A reset is an answer too.
    socket.on('error', () => {})
  }

  static async open(url: string): Promise<RawHttp> {
    const { hostname, port } = new URL(url)
    const socket = connect(Number(port), hostname)
    await once(socket, 'connect')
    return new RawHttp(socket)
  }

  /** Sends and resolves with all that comes until the server closes or the status line is there. */
  async say(text: string | Uint8Array, timeoutMs = 20_000): Promise<number> {
    this.socket.write(text)
    return this.status(timeoutMs)
  }

  async status(timeoutMs = 20_000): Promise<number> {
    const end = Date.now() + timeoutMs
    while (!/^HTTP\/1\.1 \d{3} [\s\S]*\r\n\r\n/.test(this.received) && !this.closed) {
      if (Date.now() > end) throw new Error(`no answer in ${timeoutMs} ms: ${this.received}`)
      await Promise.race([
        once(this.socket, 'data', { signal: AbortSignal.timeout(timeoutMs) }).catch(() => {}),
        once(this.socket, 'close', { signal: AbortSignal.timeout(timeoutMs) }).catch(() => {}),
      ])
    }
    return Number(/^HTTP\/1\.1 (\d{3})/.exec(this.received)?.[1] ?? 0)
  }

  async waitForClose(timeoutMs: number): Promise<void> {
    if (!this.closed) await once(this.socket, 'close', { signal: AbortSignal.timeout(timeoutMs) })
  }

  end(): void {
    this.socket.destroy()
  }
}
