import { type ChildProcess, fork } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import type {
  DeviceCommand,
  DeviceEvent,
  DeviceStart,
  OracleCommand,
  OracleEvent,
  OracleStart,
  ScoutEvent,
  ScoutStart,
} from './messages.ts'

const root = fileURLToPath(new URL('../../..', import.meta.url))

/** The toy has no tokenizer; on the wire a hash is 32 bytes. */
export const TOY_TOKENIZER = '7'.repeat(64)

/** Bundles an entry (the generated protocol code cannot run by type stripping); packages stay outside. */
async function bundle(entry: string): Promise<string> {
  const outfile = join(root, 'build', 'test', `${entry}-${randomUUID()}.mjs`)
  await build({
    entryPoints: [join(root, 'test/support/mesh', `${entry}.ts`)],
    bundle: true,
    packages: 'external',
    platform: 'node',
    format: 'esm',
    target: 'node24',
    outfile,
    logLevel: 'error',
  })
  return outfile
}

/** A child process whose messages can be awaited, however early they came. */
export class Child<Event extends { readonly type: string }, Command = never> {
  readonly process: ChildProcess
  readonly events: Event[] = []
  readonly #watchers = new Set<() => void>()
  readonly exited: Promise<number | null>

  constructor(script: string, start: object) {
    this.process = fork(script, [JSON.stringify(start)], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
    this.process.on('message', (event) => {
      this.events.push(event as Event)
      for (const watcher of this.#watchers) watcher()
    })
    this.exited = new Promise((resolve) => this.process.once('exit', resolve))
  }

  /** The first event, among those that came and those to come, that `match` takes. */
  async event<Type extends Event['type']>(
    type: Type,
    match: (event: Extract<Event, { type: Type }>) => boolean = () => true,
    from = 0,
  ): Promise<Extract<Event, { type: Type }>> {
    return new Promise((resolve, reject) => {
      const look = () => {
        for (const event of this.events.slice(from)) {
          if (event.type !== type || !match(event as Extract<Event, { type: Type }>)) continue
          this.#watchers.delete(look)
          resolve(event as Extract<Event, { type: Type }>)
          return
        }
      }
      this.#watchers.add(look)
      void this.exited.then((code) => reject(new Error(`exited with ${code} while ${type} was awaited`)))
      look()
    })
  }

  send(command: Command): void {
    this.process.send(command as object)
  }

  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    this.process.kill(signal)
    await this.exited
  }
}

export type OracleProcess = Child<OracleEvent, OracleCommand>
export type ScoutProcess = Child<ScoutEvent>
export type DeviceProcess = Child<DeviceEvent, DeviceCommand>

/** Bundles once, starts processes and folders, and ends and removes them all. */
export class MeshProcesses {
  readonly #children: { kill(): Promise<void> }[] = []
  readonly #folders: string[] = []
  #oracleScript: Promise<string> | null = null
  #scoutScript: Promise<string> | null = null
  #deviceScript: Promise<string> | null = null

  async folder(): Promise<string> {
    const folder = await mkdtemp(join(tmpdir(), 'shard-mesh-'))
    this.#folders.push(folder)
    return folder
  }

  async oracle(start: Omit<OracleStart, 'tokenizerHash'>): Promise<OracleProcess> {
    this.#oracleScript ??= bundle('oracle-entry')
    const child: OracleProcess = new Child(await this.#oracleScript, {
      ...start,
      tokenizerHash: TOY_TOKENIZER,
    })
    this.#children.push(child)
    return child
  }

  async scout(start: Omit<ScoutStart, 'tokenizerHash'> & { tokenizerHash?: string }): Promise<ScoutProcess> {
    this.#scoutScript ??= bundle('scout-entry')
    const child: ScoutProcess = new Child(await this.#scoutScript, { tokenizerHash: TOY_TOKENIZER, ...start })
    this.#children.push(child)
    return child
  }

  async device(start: DeviceStart): Promise<DeviceProcess> {
    this.#deviceScript ??= bundle('device-entry')
    const child: DeviceProcess = new Child(await this.#deviceScript, start)
    this.#children.push(child)
    return child
  }

  async end(): Promise<void> {
    await Promise.all(this.#children.map((child) => child.kill()))
    for (const script of await Promise.all([this.#oracleScript, this.#scoutScript, this.#deviceScript]))
      if (script) await rm(script)
    for (const folder of this.#folders) await rm(folder, { recursive: true, force: true })
  }
}
