import type { Connection } from '@libp2p/interface'
import { type Multiaddr, multiaddr } from '@multiformats/multiaddr'
import type { Drafter } from '../drafter/drafter.ts'
import { ScoutSession, type ScoutSessionHandlers } from '../drafter/scout-session.ts'
import type { Log } from '../log.ts'
import type { MeshNode } from '../mesh/node-options.ts'
import { transportOf } from '../mesh/transport.ts'
import type { ScoutClaim } from '../protocol/frames.ts'
import { LIMITS } from '../protocol/limits.ts'
import { DRAFT_PROTOCOL } from '../protocol/names.ts'

export interface OracleLinkOptions {
  readonly node: MeshNode
  /** Addresses of one Oracle, tried together. */
  readonly addresses: readonly string[]
  readonly drafter: Drafter
  readonly claim: () => ScoutClaim
  readonly handlers: ScoutSessionHandlers
  readonly log: Log
  /** Dial again when it is lost; else the link ends with its first session. */
  readonly lasting: boolean
  /** On every new connection, before the claim. */
  readonly prepare?: (connection: Connection, signal: AbortSignal) => Promise<void>
}

/** Keeps a session with one Oracle: dials, claims, and dials again when it is lost, ever more slowly while it is away. */
export class OracleLink {
  readonly #options: OracleLinkOptions
  #session: ScoutSession | null = null
  #welcomed = false
  #wake: () => void = () => {}

  constructor(options: OracleLinkOptions) {
    this.#options = options
  }

  get session(): ScoutSession | null {
    return this.#session
  }

  /** In the Oracle's standing pool. */
  get welcomed(): boolean {
    return this.#welcomed
  }

  /** An Offer of this Oracle was heard: no need to wait any longer. */
  hurry(): void {
    this.#wake()
  }

  /** Ends when the signal aborts, or with the first session of a link that is not lasting. */
  async run(signal: AbortSignal): Promise<void> {
    const { log, addresses } = this.#options
    let waitMs: number = LIMITS.reconnectFirstMs
    while (!signal.aborted) {
      try {
        await this.#connect(signal, () => {
          waitMs = LIMITS.reconnectFirstMs
        })
      } catch (error) {
        if (signal.aborted) break
        log.warn(
          { addresses, reason: error instanceof Error ? error.message : String(error), waitMs },
          'no oracle',
        )
      }
      if (!this.#options.lasting) break
      await this.#pause(waitMs, signal)
      waitMs = Math.min(LIMITS.reconnectLongestMs, waitMs * 2)
    }
  }

  /** One session, from dialling to its end. */
  async #connect(signal: AbortSignal, welcomed: () => void): Promise<void> {
    const { node, drafter, claim, handlers, log, prepare } = this.#options
    const addresses: Multiaddr[] = this.#options.addresses.map((address) => multiaddr(address))
    const connection = await node.dial(addresses, { signal })
    await prepare?.(connection, signal)
    const stream = await connection.newStream(DRAFT_PROTOCOL, { signal, runOnLimitedConnection: true })
    const oracle = connection.remotePeer.toString()
    log.info({ oracle, transport: transportOf(connection.remoteAddr) }, 'connected')
    await new Promise<void>((resolve, reject) => {
      const leave = () => this.#session?.close()
      this.#session = new ScoutSession(stream, drafter, claim(), {
        ...handlers,
        welcomed: (targetModel) => {
          this.#welcomed = true
          welcomed()
          log.info({ oracle, targetModel }, 'in the pool')
          handlers.welcomed?.(targetModel)
        },
        refused: (reason) => {
          log.warn({ oracle, reason }, 'refused')
          handlers.refused?.(reason)
        },
        closed: (error) => {
          this.#session = null
          this.#welcomed = false
          signal.removeEventListener('abort', leave)
          handlers.closed?.(error)
          if (error) reject(error)
          else resolve()
        },
      })
      signal.addEventListener('abort', leave, { once: true })
      if (signal.aborted) leave()
    })
  }

  #pause(ms: number, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return Promise.resolve()
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer)
        signal.removeEventListener('abort', done)
        this.#wake = () => {}
        resolve()
      }
      const timer = setTimeout(done, ms)
      signal.addEventListener('abort', done, { once: true })
      this.#wake = done
    })
  }
}
