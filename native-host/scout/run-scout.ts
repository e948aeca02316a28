import { join } from 'node:path'
import type { Drafter } from '../../shared/drafter/drafter.ts'
import type { Log } from '../../shared/log.ts'
import { LIMITS } from '../../shared/protocol/limits.ts'
import { Scout, type ScoutStatus } from '../../shared/scout/scout.ts'
import { ensureIdentity } from '../mesh/identity.ts'
import { startScoutNode } from '../mesh/scout-node.ts'
import { stopNode } from '../mesh/stop-node.ts'
import { type Fault, faultyDrafter, hostileFrame } from './faults.ts'

export interface HeadlessScoutOptions {
  /** The Scout's own folder: its key is in `mesh` inside. */
  readonly home: string
  /** Multiaddrs of Oracles. */
  readonly oracles: readonly string[]
  readonly drafter: Drafter
  /** Assignments at once; at most what the drafter holds. */
  readonly capacity: number
  readonly serve: 'listed' | 'swarm'
  readonly log: Log
  /** Tests only. */
  readonly fault?: Fault
  readonly onStatus?: (status: ScoutStatus) => void
}

/**
 * A headless Scout (`shard scout`): drafts for Oracles until the signal aborts. The process must end right after
 * (process.exit): a stopped node with live WebRTC connections is not safe to live on with.
 */
export async function runScout(options: HeadlessScoutOptions, signal: AbortSignal): Promise<void> {
  const { oracles, log, fault, serve, onStatus } = options
  const identity = await ensureIdentity(join(options.home, 'mesh'))
  const policy = { scope: serve === 'swarm' ? ('swarm' as const) : ('own' as const), listed: oracles }
  const node = await startScoutNode({ identity, policy })
  const drafter = fault ? faultyDrafter(options.drafter, fault) : options.drafter
  const lie = {
    ...(fault?.kind === 'liar' && { speed: LIMITS.speed }),
    ...(fault?.kind === 'hostile' && {
      tamper: (frame: Parameters<typeof hostileFrame>[0]) =>
        Math.random() < fault.chance ? hostileFrame(frame, drafter.vocabSize) : frame,
    }),
  }
  const capacity = fault?.kind === 'liar' ? LIMITS.capacity : options.capacity
  const scout = new Scout({
    node,
    oracles,
    drafter,
    capacity,
    serve,
    log,
    lie,
    ...(onStatus && { onStatus }),
  })
  log.info({ peerId: identity.peerId, model: drafter.model, oracles }, 'scout started')
  try {
    await scout.run(signal)
  } finally {
    await stopNode(node)
    log.info({ peerId: identity.peerId, ...scout.totals }, 'scout stopped')
  }
}
