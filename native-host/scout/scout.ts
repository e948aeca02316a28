/**
 * A headless Scout. The CLI's verb and its options:
 *
 *   shard scout --oracle MULTIADDR [--oracle MULTIADDR …] --model FILE [--home DIR] [--capacity N] [--serve listed|swarm]
 *
 *   --oracle MULTIADDR   where to find an Oracle, with its /p2p/PEERID; several addresses of one Oracle are tried together
 *   --model FILE         GGUF of the draft model (default: the embedded draft)
 *   --home DIR           the Scout's own folder: its key is in DIR/mesh (default: <SHARD_HOME>/scout)
 *   --capacity N         assignments at once, 1 … 16 (default 4)
 *   --serve listed|swarm draft for the Oracles given only (default), or for any that offers work
 *   --fault FAULT        hidden; for tests: see faults.ts
 *
 * The CLI loads the engine, calls `runScout`, aborts the signal on SIGINT/SIGTERM, and must end the process right after
 * `runScout` returns (process.exit): a stopped node with live WebRTC connections is not safe to live on with.
 * To pair a Scout with an Oracle: `(await ensureIdentity(join(home, 'mesh'))).peerId` goes into the Oracle's `paired`.
 */
import { join } from 'node:path'
import { claimDelayMs } from '../../shared/drafter/claim-rule.ts'
import type { DraftAccount } from '../../shared/drafter/draft-worker.ts'
import type { Drafter } from '../../shared/drafter/drafter.ts'
import type { ScoutSessionHandlers } from '../../shared/drafter/scout-session.ts'
import type { ScoutClaim } from '../../shared/protocol/frames.ts'
import { LIMITS } from '../../shared/protocol/limits.ts'
import type { Offer } from '../../shared/protocol/offers.ts'
import { openResult } from '../../shared/protocol/results.ts'
import { joinTopics } from '../mesh/gossip.ts'
import { ensureIdentity } from '../mesh/identity.ts'
import type { MeshNode } from '../mesh/node-options.ts'
import { startScoutNode } from '../mesh/scout-node.ts'
import { stopNode } from '../mesh/stop-node.ts'
import type { Log } from '../oracle/log.ts'
import { type Fault, faultyDrafter, hostileFrame } from './faults.ts'
import { byOracle, isAddressOf } from './oracle-addresses.ts'
import { OracleLink } from './oracle-link.ts'

export interface ScoutOptions {
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
  /** Called when something changed, at most every quarter of a second. */
  readonly onStatus?: (status: ScoutStatus) => void
}

export interface ScoutStatus {
  readonly peerId: string
  readonly state: 'searching' | 'waiting' | 'drafting'
  readonly model: string
  /** Oracles in whose pools it is. */
  readonly oracles: number
  readonly assignments: number
  /** Tokens drafted since the start. */
  readonly drafted: number
  /** Tokens that Oracles said were tested and accepted. */
  readonly tested: number
  readonly accepted: number
  /** Drafted per second of the last few seconds. */
  readonly tokensPerSecond: number
}

/** Oracles found by their Offers, besides the listed ones: enough to be of use, few enough to overlook. */
const SWARM_ORACLES = 8
const STATUS_INTERVAL_MS = 250

/** Drafts for Oracles until the signal aborts. */
export async function runScout(options: ScoutOptions, signal: AbortSignal): Promise<void> {
  const { oracles, log } = options
  const identity = await ensureIdentity(join(options.home, 'mesh'))
  const policy = { scope: options.serve === 'swarm' ? ('swarm' as const) : ('own' as const), listed: oracles }
  const node = await startScoutNode({ identity, policy })
  const scout = new Scout(options, node)
  log.info({ peerId: identity.peerId, model: options.drafter.model, oracles }, 'scout started')
  try {
    await scout.run(signal)
  } finally {
    await stopNode(node)
    log.info({ peerId: identity.peerId, ...scout.totals }, 'scout stopped')
  }
}

class Scout {
  readonly #options: ScoutOptions
  readonly #node: MeshNode
  readonly #drafter: Drafter
  readonly #claim: Omit<ScoutClaim, 'speed' | 'job'>
  /** By peer id where it is known, else by address. */
  readonly #links = new Map<string, OracleLink>()
  readonly #running = new Set<Promise<void>>()
  /** Offers being waited for, so that one is answered once. */
  readonly #offers = new Set<string>()
  #ended = 0
  #tested = 0
  #accepted = 0
  #speed = 0
  #lastSpeedAt = performance.now()
  #lastDrafted = 0

  constructor(options: ScoutOptions, node: MeshNode) {
    const { drafter, fault, capacity } = options
    this.#options = options
    this.#node = node
    this.#drafter = fault ? faultyDrafter(drafter, fault) : drafter
    this.#claim = {
      draftModel: drafter.model,
      tokenizerHash: drafter.tokenizerHash ?? '',
      capacity:
        fault?.kind === 'liar' ? LIMITS.capacity : Math.min(capacity, drafter.capacity, LIMITS.capacity),
      contextLength: drafter.contextLength,
    }
  }

  get totals() {
    return { drafted: this.#drafted(), tested: this.#tested, accepted: this.#accepted }
  }

  async run(signal: AbortSignal): Promise<void> {
    const { log } = this.#options
    joinTopics(this.#node.services.gossip, { offer: (offer) => void this.#offered(offer, signal) })
    for (const [key, addresses] of byOracle(this.#options.oracles)) this.#link(key, addresses, true, signal)
    const timer = setInterval(() => this.#report(), STATUS_INTERVAL_MS)
    try {
      await new Promise<void>((resolve) => {
        if (signal.aborted) resolve()
        signal.addEventListener('abort', () => resolve(), { once: true })
      })
      await Promise.all(this.#running)
    } catch (error) {
      log.error({ reason: error instanceof Error ? error.message : String(error) }, 'scout failed')
      throw error
    } finally {
      clearInterval(timer)
      this.#report()
    }
  }

  /** Listed Oracles are dialled for as long as this Scout lives, the swarm's once per Offer. */
  #link(key: string, addresses: readonly string[], lasting: boolean, signal: AbortSignal): void {
    const { log } = this.#options
    const claim = () => ({ ...this.#claim, speed: this.#claimedSpeed(), job: null })
    const link = new OracleLink({
      node: this.#node,
      addresses,
      drafter: this.#drafter,
      claim,
      handlers: this.#handlers(),
      log,
      lasting,
    })
    this.#links.set(key, link)
    const running = link.run(signal).finally(() => {
      this.#links.delete(key)
      this.#running.delete(running)
    })
    this.#running.add(running)
  }

  #handlers(): ScoutSessionHandlers {
    const { log, fault, drafter } = this.#options
    return {
      assigned: ({ id, context, window }) =>
        log.info({ assignment: id, context: context.length, window }, 'assigned'),
      done: (assignment, reason, account, receipt) => {
        this.#tested += account.drafted
        this.#accepted += account.accepted
        log.info({ assignment, reason, ...account }, 'done')
        void this.#checkReceipt(assignment, account, receipt)
      },
      gaveBack: (assignment, reason) => log.warn({ assignment, reason }, 'gave back'),
      ended: (drafted) => {
        this.#ended += drafted
      },
      ...(fault?.kind === 'hostile'
        ? {
            tamper: (frame) =>
              Math.random() < fault.chance ? hostileFrame(frame, drafter.vocabSize) : frame,
          }
        : {}),
    }
  }

  /** What the Oracle signed must be what it said, and about this Scout. */
  async #checkReceipt(assignment: number, account: DraftAccount, receipt: Uint8Array): Promise<void> {
    try {
      const { scout, drafted, accepted } = await openResult(receipt)
      const same = scout === this.#node.peerId.toString()
      if (same && drafted === account.drafted && accepted === account.accepted) return
      throw new Error('it is about something else')
    } catch (error) {
      this.#options.log.warn({ assignment, reason: (error as Error).message }, 'no valid receipt')
    }
  }

  /** An Oracle's pool is short. Listed ones are dialled anyway; the swarm's only when this Scout's turn comes. */
  async #offered(offer: Offer, signal: AbortSignal): Promise<void> {
    const { serve, log } = this.#options
    const known = this.#links.get(offer.oracle)
    if (known) {
      if (known.welcomed) known.session?.claimAgain(offer.job)
      else known.hurry()
      return
    }
    if (serve !== 'swarm' || offer.tokenizerHash !== this.#claim.tokenizerHash) return
    if (
      this.#links.size >= SWARM_ORACLES ||
      this.#offers.size >= SWARM_ORACLES ||
      this.#offers.has(offer.oracle)
    )
      return
    const peerId = this.#node.peerId.toString()
    const delay = await claimDelayMs(offer.job, peerId, offer.wanted, offer.listeners, offer.deadlineMs)
    if (delay === null || signal.aborted) return
    this.#offers.add(offer.oracle)
    setTimeout(() => {
      this.#offers.delete(offer.oracle)
      if (signal.aborted || this.#links.has(offer.oracle)) return
      log.info({ oracle: offer.oracle, job: offer.job }, 'claiming an offer')
      const addresses = offer.addresses.filter((address) => isAddressOf(address, offer.oracle))
      if (addresses.length > 0) this.#link(offer.oracle, addresses, false, signal)
    }, delay).unref()
  }

  #claimedSpeed(): number {
    return this.#options.fault?.kind === 'liar' ? LIMITS.speed : Math.min(LIMITS.speed, this.#speed)
  }

  #drafted(): number {
    let drafted = this.#ended
    for (const { session } of this.#links.values()) drafted += session?.drafted ?? 0
    return drafted
  }

  #report(): void {
    const now = performance.now()
    const drafted = this.#drafted()
    const rate = (drafted - this.#lastDrafted) / ((now - this.#lastSpeedAt) / 1000)
    // Over the last few seconds; an idle stretch says nothing about speed.
    if (rate > 0) this.#speed += (rate - this.#speed) * (this.#speed === 0 ? 1 : 0.1)
    this.#lastDrafted = drafted
    this.#lastSpeedAt = now
    const links = [...this.#links.values()]
    const assignments = links.reduce((sum, { session }) => sum + (session?.assignments ?? 0), 0)
    const oracles = links.filter(({ welcomed }) => welcomed).length
    this.#options.onStatus?.({
      peerId: this.#node.peerId.toString(),
      state: assignments > 0 ? 'drafting' : oracles > 0 ? 'waiting' : 'searching',
      model: this.#drafter.model,
      oracles,
      assignments,
      drafted,
      tested: this.#tested,
      accepted: this.#accepted,
      tokensPerSecond: this.#speed,
    })
  }
}
