import { once } from 'node:events'
import { createServer, type Server, type Socket } from 'node:net'
import type { ReplayOptions } from './replay-drafter.ts'

/** What the Oracle's local drafter is told, a line of JSON each. */
export type LocalOrder =
  | { readonly order: 'join'; readonly replay: ReplayOptions }
  | { readonly order: 'leave' }

/** The benchmark's hand on the drafter in the Oracle's process. */
export class LocalDrafter implements AsyncDisposable {
  readonly path: string
  readonly #server: Server
  readonly #oracle: Promise<Socket>

  private constructor(path: string, server: Server) {
    this.path = path
    this.#server = server
    this.#oracle = once(server, 'connection').then(([socket]) => socket as Socket)
  }

  /** Listens for the Oracle, which comes when its model is loaded. */
  static async listen(path: string): Promise<LocalDrafter> {
    const server = createServer()
    server.listen(path)
    await once(server, 'listening')
    return new LocalDrafter(path, server)
  }

  /** Resolves when it has been obeyed. */
  async tell(order: LocalOrder): Promise<void> {
    const oracle = await this.#oracle
    const done = once(oracle, 'data')
    oracle.write(`${JSON.stringify(order)}\n`)
    await done
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.close()
  }
}
