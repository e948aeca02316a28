import type { Connection } from '@libp2p/interface'
import { claimDelayMs } from '../drafter/claim-rule.ts'
import type { DraftAccount, DraftFrame } from '../drafter/draft-worker.ts'
import type { Drafter } from '../drafter/drafter.ts'
import type { ScoutSessionHandlers } from '../drafter/scout-session.ts'
import type { Log } from '../log.ts'
import { joinTopics } from '../mesh/gossip.ts'
import type { MeshNode } from '../mesh/node-options.ts'
import type { ScoutClaim } from '../protocol/frames.ts'
import { LIMITS } from '../protocol/limits.ts'
import type { Offer } from '../protocol/offers.ts'
import { openResult } from '../protocol/results.ts'
import { byOracle, isAddressOf } from './oracle-addresses.ts'
import { OracleLink } from './oracle-link.ts'

export interface ScoutOptions {
  readonly node: MeshNode
  /** Multiaddrs of Oracles. */
  readonly oracles: readonly string[]
  readonly drafter: Drafter
  /** Assignments at once; at most what the drafter holds. */
  readonly capacity: number
  /** Draft for the Oracles given only, or for any that offers work. */
  readonly serve: 'listed' | 'swarm'
  /** Most unverified tokens to hold; absent: as many as the Oracle grants. */
  readonly window?: number
  /** On every new connection to an Oracle, before the claim: to show an invitation, say. Throws: no claim is made. */
  readonly prepare?: (connection: Connection, signal: AbortSignal) => Promise<void>
  readonly log: Log
  /** Called when something changed, at most every quarter of a second, and never while nothing changes. */
  readonly onStatus?: (status: ScoutStatus) => void
  /** Tests only: what is claimed instead of the truth, and sent instead of a Draft. */
  readonly lie?: { readonly speed?: number; tamper?(frame: DraftFrame): DraftFrame }
}

export interface ScoutStatus {
  readonly peerId: string
  readonly state: 'searching' | 'waiting' | 'drafting'
  readonly model: string
  /** Peer ids of the Oracles in whose pools it is. */
  readonly oracles: readonly string[]
  /** Why an Oracle does not take this Scout, by its peer id or address: a stable word such as `not-paired`. */
  readonly refusals: Readonly<Record<string, string>>
  readonly assignments: number
  /** Tokens drafted since the start. */
  readonly drafted: number
  /** Tokens that Oracles said were tested and accepted. */
  readonly tested: number
  readonly accepted: number
  /** Drafted per second while it drafts, over the last few seconds. */
  readonly tokensPerSecond: number
}

/** Oracles found by their Offers, besides the listed ones: enough to be of use, few enough to overlook. */
const SWARM_ORACLES = 8
const STATUS_INTERVAL_MS = 250

/** Drafts for Oracles over a started node: keeps a link to each listed one, and answers the swarm's Offers if it may. */
export class Scout {
  readonly #options: ScoutOptions
  readonly #claim: Omit<ScoutClaim, 'speed' | 'job'>
  /** By peer id where it is known, else by address. */
  readonly #links = new Map<string, OracleLink>()
  readonly #running = new Set<Promise<void>>()
  /** Offers being waited for, so that one is answered once. */
  readonly #offers = new Set<string>()
  #refusals: Readonly<Record<string, string>> = {}
  #ended = 0
  #tested = 0
  #accepted = 0
  #speed = 0
  #lastReportAt = performance.now()
  #lastDrafted = 0
  #timer: ReturnType<typeof setTimeout> | null = null

  constructor(options: ScoutOptions) {
    const { drafter, capacity } = options
    this.#options = options
    this.#claim = {
      draftModel: drafter.model,
      tokenizerHash: drafter.tokenizerHash ?? '',
      capacity: Math.min(capacity, drafter.capacity, LIMITS.capacity),
      contextLength: drafter.contextLength,
    }
  }

  get totals() {
    return { drafted: this.#drafted(), tested: this.#tested, accepted: this.#accepted }
  }

  /** Until the signal aborts; afterwards all streams are closed, and the node is its owner's to stop. */
  async run(signal: AbortSignal): Promise<void> {
    const { log, node, oracles } = this.#options
    joinTopics(node.services.gossip, { offer: (offer) => void this.#offered(offer, signal) })
    for (const [key, addresses] of byOracle(oracles)) this.#link(key, addresses, true, signal)
    this.#report()
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
      if (this.#timer !== null) clearTimeout(this.#timer)
      this.#report()
    }
  }

  /** Listed Oracles are dialled for as long as this Scout lives, the swarm's once per Offer. */
  #link(key: string, addresses: readonly string[], lasting: boolean, signal: AbortSignal): void {
    const { log, node, drafter, prepare } = this.#options
    const claim = () => ({ ...this.#claim, speed: this.#claimedSpeed(), job: null })
    const link = new OracleLink({
      node,
      addresses,
      drafter,
      claim,
      handlers: this.#handlers(key),
      log,
      lasting,
      ...(prepare && { prepare }),
    })
    this.#links.set(key, link)
    const running = link.run(signal).finally(() => {
      this.#links.delete(key)
      this.#running.delete(running)
      this.#changed()
    })
    this.#running.add(running)
  }

  #handlers(oracle: string): ScoutSessionHandlers {
    const { log, lie, window } = this.#options
    return {
      ...(window !== undefined && { window }),
      welcomed: () => this.#refused(oracle, null),
      refused: (reason) => this.#refused(oracle, reason),
      assigned: ({ id, context, window }) => {
        log.info({ assignment: id, context: context.length, window }, 'assigned')
        this.#changed()
      },
      done: (assignment, reason, account, receipt) => {
        this.#tested += account.drafted
        this.#accepted += account.accepted
        log.info({ assignment, reason, ...account }, 'done')
        this.#changed()
        void this.#checkReceipt(assignment, account, receipt)
      },
      gaveBack: (assignment, reason) => {
        log.warn({ assignment, reason }, 'gave back')
        this.#changed()
      },
      ended: (drafted) => {
        this.#ended += drafted
      },
      closed: () => this.#changed(),
      ...(lie?.tamper && { tamper: lie.tamper }),
    }
  }

  #refused(oracle: string, reason: string | null): void {
    const { [oracle]: _, ...others } = this.#refusals
    this.#refusals = reason === null ? others : { ...others, [oracle]: reason }
    this.#changed()
  }

  /** What the Oracle signed must be what it said, and about this Scout. */
  async #checkReceipt(assignment: number, account: DraftAccount, receipt: Uint8Array): Promise<void> {
    try {
      const { scout, drafted, accepted } = await openResult(receipt)
      const same = scout === this.#options.node.peerId.toString()
      if (same && drafted === account.drafted && accepted === account.accepted) return
      throw new Error('it is about something else')
    } catch (error) {
      this.#options.log.warn({ assignment, reason: (error as Error).message }, 'no valid receipt')
    }
  }

  /** An Oracle's pool is short. Listed ones are dialled anyway; the swarm's only when this Scout's turn comes. */
  async #offered(offer: Offer, signal: AbortSignal): Promise<void> {
    const { serve, log, node } = this.#options
    // An Oracle has several models, one after the other or at once: this Offer is about another one.
    if (offer.tokenizerHash !== this.#claim.tokenizerHash) return
    const known = this.#links.get(offer.oracle)
    if (known) {
      if (known.welcomed) known.session?.claimAgain(offer.job)
      else known.hurry()
      return
    }
    if (serve !== 'swarm') return
    if (
      this.#links.size >= SWARM_ORACLES ||
      this.#offers.size >= SWARM_ORACLES ||
      this.#offers.has(offer.oracle)
    )
      return
    const peerId = node.peerId.toString()
    const delay = await claimDelayMs(offer.job, peerId, offer.wanted, offer.listeners, offer.deadlineMs)
    if (delay === null || signal.aborted) return
    this.#offers.add(offer.oracle)
    const over = () => {
      clearTimeout(timer)
      signal.removeEventListener('abort', over)
      this.#offers.delete(offer.oracle)
    }
    const timer = setTimeout(() => {
      over()
      if (this.#links.has(offer.oracle)) return
      log.info({ oracle: offer.oracle, job: offer.job }, 'claiming an offer')
      const addresses = offer.addresses.filter((address) => isAddressOf(address, offer.oracle))
      if (addresses.length > 0) this.#link(offer.oracle, addresses, false, signal)
    }, delay)
    signal.addEventListener('abort', over)
  }

  #claimedSpeed(): number {
    return this.#options.lie?.speed ?? Math.min(LIMITS.speed, this.#speed)
  }

  #drafted(): number {
    let drafted = this.#ended
    for (const { session } of this.#links.values()) drafted += session?.drafted ?? 0
    return drafted
  }

  /** A report follows; while there are assignments, further ones do. */
  #changed(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = null
      if (this.#report().assignments > 0) this.#changed()
    }, STATUS_INTERVAL_MS)
  }

  #report(): ScoutStatus {
    const { node, drafter, onStatus } = this.#options
    const now = performance.now()
    const drafted = this.#drafted()
    const rate = (drafted - this.#lastDrafted) / ((now - this.#lastReportAt) / 1000)
    // Over the last few seconds; an idle stretch says nothing about speed.
    if (rate > 0) this.#speed += (rate - this.#speed) * (this.#speed === 0 ? 1 : 0.1)
    this.#lastDrafted = drafted
    this.#lastReportAt = now
    const links = [...this.#links]
    const assignments = links.reduce((sum, [, { session }]) => sum + (session?.assignments ?? 0), 0)
    const running = links.flatMap(([, { session }]) => (session ? [session.account] : []))
    const oracles = links.filter(([, { welcomed }]) => welcomed).map(([key]) => key)
    const status: ScoutStatus = {
      peerId: node.peerId.toString(),
      state: assignments > 0 ? 'drafting' : oracles.length > 0 ? 'waiting' : 'searching',
      model: drafter.model,
      oracles,
      refusals: this.#refusals,
      assignments,
      drafted,
      tested: running.reduce((sum, { drafted }) => sum + drafted, this.#tested),
      accepted: running.reduce((sum, { accepted }) => sum + accepted, this.#accepted),
      tokensPerSecond: this.#speed,
    }
    onStatus?.(status)
    return status
  }
}
