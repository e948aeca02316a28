import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Oracle, PACED } from './paced-oracle.ts'
import { ShardProcess, startOracle } from './shard-process.ts'

/** A native host in a home of its own, registered with one browser profile by `shard install`. */
export class LocalHost {
  readonly home: string
  readonly #profile: string

  private constructor(home: string, profile: string) {
    this.home = home
    this.#profile = profile
  }

  static async install(home: string, profile: string): Promise<LocalHost> {
    await mkdir(home, { recursive: true })
    // What the bridge starts listens where nobody else does.
    const settings = { 'api.port': 0, 'mesh.tcp_port': 0, 'mesh.ws_port': 0, 'mesh.webrtc_port': 0 }
    await writeFile(join(home, 'settings.json'), JSON.stringify(settings))
    const host = new LocalHost(home, profile)
    await host.register()
    return host
  }

  /** So that a browser of this profile finds it. */
  async register(): Promise<void> {
    await this.run('install', '--user-data-dir', this.#profile)
  }

  /** Its daemon, started by hand. */
  start(): Promise<Oracle> {
    return startOracle(this.home, ...PACED)
  }

  /** `shard stop` @throws when there is nothing to stop */
  async stop(): Promise<void> {
    await this.run('stop')
  }

  /** A verb of the command line, to its end. @throws with what it said, when it fails */
  async run(...args: string[]): Promise<string> {
    const shard = new ShardProcess(args, { SHARD_HOME: this.home })
    const code = await new Promise((resolve) => shard.child.once('close', resolve))
    if (code !== 0) throw new Error(`shard ${args.join(' ')} ended with ${code}:\n${shard.log}`)
    return shard.log
  }
}
