import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { ensureIdentity } from '../../../native-host/mesh/identity.ts'
import { farEnd, type Link } from './link.ts'
import type { ScoutOrder } from './replay-scout-entry.ts'

/** The protocol's generated code has namespaces, which Node does not merely strip. */
const NODE = [process.execPath, '--experimental-transform-types', '--disable-warning=ExperimentalWarning']
const ENTRY = fileURLToPath(new URL('replay-scout-entry.ts', import.meta.url))

/** One Scout process, behind a link or on the Oracle's own core. */
export class ScoutProcess implements AsyncDisposable {
  readonly peerId: string
  /** null: on this machine's loopback. */
  readonly link: Link | null
  readonly #child: ChildProcess

  private constructor(peerId: string, link: Link | null, child: ChildProcess) {
    this.peerId = peerId
    this.link = link
    this.#child = child
  }

  static async start(home: string, cores: string, link: Link | null): Promise<ScoutProcess> {
    const { peerId } = await ensureIdentity(join(home, 'mesh'))
    const command = [...(link ? farEnd(link) : []), 'taskset', '-c', cores, ...NODE, ENTRY, home]
    const child = spawn(command[0]!, command.slice(1), { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })
    return new ScoutProcess(peerId, link, child)
  }

  join(order: Exclude<ScoutOrder, { order: 'leave' }>): void {
    this.#child.send(order)
  }

  /** Resolves when it has left every Oracle. */
  async leave(): Promise<void> {
    const left = once(this.#child, 'message')
    this.#child.send({ order: 'leave' } satisfies ScoutOrder)
    await left
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null) return
    const ended = once(this.#child, 'exit')
    this.#child.disconnect()
    await ended
  }
}
