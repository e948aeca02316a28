import { addressesOf } from '../../support/paced-oracle.ts'
import { ShardProcess } from '../../support/shard-process.ts'

export interface TargetOptions {
  /** The Oracle's program. */
  readonly script: string
  readonly home: string
  /** A GGUF file, an installed model, or `embedded`. */
  readonly model: string
  /** The core that the Oracle has to itself. */
  readonly core: string
  readonly users: number
  /** Peer ids of the Scouts. */
  readonly paired: readonly string[]
  readonly flags: readonly string[]
  /** Where whoever commands its local drafter listens. */
  readonly local: string
}

interface Health {
  readonly engine: { readonly kernel: string }
  readonly model: { readonly id: string; readonly tokenizer_hash: string }
  /** Measured milliseconds of a pass, by rows. */
  readonly pass_ms: Readonly<Record<string, number>>
}

/** Loading an 8B model and its first passes take a while on one core. */
const START_MS = 180_000
/** A Scout that only listens is silent for good. */
const STALL_MS = '600000'

/** A real Oracle (`shard serve`) on one core. */
export class Target implements AsyncDisposable {
  readonly url: string
  readonly #process: ShardProcess

  private constructor(process: ShardProcess, url: string) {
    this.#process = process
    this.url = url
  }

  static async start(options: TargetOptions): Promise<Target> {
    const { script, home, model, core, users, paired, flags, local } = options
    const args = [
      ...['serve', '--engine-model', model, '--engine-threads', '1'],
      ...['--api-port', '0', '--mesh-host', '0.0.0.0', '--mesh-tcp-port', '0'],
      ...['--mesh-ws-port', '-1', '--mesh-webrtc-port', '-1', '--scheduler-slots', String(users)],
      ...['--scheduler-stall-ms', STALL_MS, ...paired.flatMap((id) => ['--mesh-paired', id]), ...flags],
    ]
    const program = { command: 'taskset', args: ['-c', core, process.execPath, script] }
    const oracle = new ShardProcess(args, { SHARD_HOME: home, SHARD_BENCH_LOCAL: local }, program)
    const [url] = await oracle.waitForLog(/http:\/\/127\.0\.0\.1:\d+/, START_MS)
    return new Target(oracle, url)
  }

  async health(): Promise<Health> {
    return (await (await fetch(`${this.url}/health`)).json()) as Health
  }

  async vocabulary(): Promise<number> {
    const { data } = await (await fetch(`${this.url}/v1/models`)).json()
    return (data as { shard: { vocabulary: number } }[])[0]!.shard.vocabulary
  }

  /** Where it can be dialled over TCP at one of this machine's addresses. */
  async addressAt(ip: string): Promise<string> {
    const [address] = await addressesOf(Object.assign(this.#process, { url: this.url }), 'tcp')
    return address!.replace(/^\/ip4\/[^/]+/, `/ip4/${ip}`)
  }

  /** How often the Oracle has let a worker go because it did not pay. */
  get notNeeded(): number {
    return this.#process.log.split('worker not needed here').length - 1
  }

  /** Resolves when just these Scouts stand in the pool. */
  async pool(peerIds: readonly string[]): Promise<void> {
    const signal = AbortSignal.timeout(60_000)
    for (;;) {
      const { peers } = (await (await fetch(`${this.url}/v1/system/peers`, { signal })).json()) as {
        peers: { peer_id: string; class: string }[]
      }
      const scouts = peers.filter((peer) => peer.class === 'scout').map((peer) => peer.peer_id)
      if (scouts.length === peerIds.length && peerIds.every((id) => scouts.includes(id))) return
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#process.stop()
  }

  /** The log so far, for whoever looks into a cell. */
  get log(): string {
    return this.#process.log
  }
}
