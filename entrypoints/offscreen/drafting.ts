import type { Connection } from '@libp2p/interface'
import { EngineDrafter } from '../../shared/drafter/engine-drafter.ts'
import { ShareLimitedEngine } from '../../shared/engine/share-limit.ts'
import type { Log } from '../../shared/log.ts'
import type { MeshNode } from '../../shared/mesh/node-options.ts'
import { Scout, type ScoutStatus } from '../../shared/scout/scout.ts'
import type { Settings } from '../options/settings.ts'
import type { WorkerEngine } from './worker-engine.ts'

/** Requests that a browser drafts at once; each holds a sequence of the engine. */
export const CAPACITY = 4

/** What of the settings a running Scout was made from; when it changes, another one takes its place. */
export function scoutSettings({ oracles, scope, window }: Settings) {
  return { oracles: oracles.flatMap(({ addresses }) => addresses), scope, window }
}

/** A Scout at work over a node with a loaded engine, until it is stopped. */
export class Drafting {
  readonly made: ReturnType<typeof scoutSettings>
  readonly #engine: ShareLimitedEngine
  readonly #stop = new AbortController()
  readonly #done: Promise<void>

  constructor(init: {
    readonly node: MeshNode
    readonly engine: WorkerEngine
    readonly settings: () => Settings
    readonly prepare: (connection: Connection, signal: AbortSignal) => Promise<void>
    readonly onStatus: (status: ScoutStatus) => void
    readonly log: Log
  }) {
    const { node, settings, prepare, onStatus, log } = init
    this.made = scoutSettings(settings())
    this.#engine = new ShareLimitedEngine(init.engine.engine, () => settings().gpuShare / 100)
    const scout = new Scout({
      node,
      oracles: this.made.oracles,
      drafter: new EngineDrafter(this.#engine),
      capacity: CAPACITY,
      serve: this.made.scope === 'swarm' ? 'swarm' : 'listed',
      window: this.made.window,
      prepare,
      onStatus,
      log,
    })
    this.#done = scout.run(this.#stop.signal)
    this.#done.catch(() => {}) // logged by the Scout; `stop` waits for it
  }

  /** Milliseconds in which the engine computed, so far. */
  get busyMs(): number {
    return this.#engine.busyMs
  }

  async stop(): Promise<void> {
    this.#stop.abort()
    await this.#done.catch(() => {})
  }
}
