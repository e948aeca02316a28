import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'

/** A network that can fail: a TCP port that leads to another one, until it is cut. */
export class TcpProxy {
  readonly port: number
  readonly #server: Server
  readonly #sockets = new Set<Socket>()

  private constructor(server: Server) {
    this.#server = server
    this.port = (server.address() as AddressInfo).port
  }

  /** @param port 0: any free one */
  static async start(to: number, port = 0): Promise<TcpProxy> {
    const server = createServer()
    const proxy = await new Promise<TcpProxy>((resolve, reject) => {
      server.once('error', reject)
      server.listen(port, '127.0.0.1', () => resolve(new TcpProxy(server)))
    })
    server.on('connection', (near) => {
      const far = connect(to, '127.0.0.1')
      for (const [socket, other] of [
        [near, far],
        [far, near],
      ] as const) {
        proxy.#sockets.add(socket)
        socket.pipe(other)
        socket.on('error', () => other.destroy())
        socket.on('close', () => {
          proxy.#sockets.delete(socket)
          other.destroy()
        })
      }
    })
    return proxy
  }

  /** The cable is pulled: what was connected is cut, and nobody answers any more. */
  async cut(): Promise<void> {
    const closed = once(this.#server, 'close')
    this.#server.close()
    for (const socket of this.#sockets) socket.destroy()
    await closed
  }
}
