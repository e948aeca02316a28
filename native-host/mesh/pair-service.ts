import type { Connection, Stream } from '@libp2p/interface'
import type { Log } from '../../shared/log.ts'
import type { MeshNode } from '../../shared/mesh/node-options.ts'
import { RateLimits } from '../../shared/mesh/rate-limits.ts'
import { FrameStream } from '../../shared/protocol/frame-stream.ts'
import { LIMITS } from '../../shared/protocol/limits.ts'
import { PAIR_PROTOCOL } from '../../shared/protocol/names.ts'
import { encodePairFrame, parsePairRequest } from '../../shared/protocol/pair-frames.ts'
import { ProtocolError } from '../../shared/protocol/protocol-error.ts'
import type { FaultBook } from './fault-book.ts'
import type { Invites } from './invites.ts'
import { reportFault } from './protocol-faults.ts'

export interface PairServiceEvents {
  paired?(peerId: string): void
  fault?(peerId: string, code: string): void
}

export interface PairServiceOptions {
  readonly node: MeshNode
  readonly invites: Invites
  readonly isOwn: (peerId: string) => boolean
  /** Remembers the device. @throws when it cannot */
  readonly pair: (peerId: string) => Promise<void>
  readonly faults: FaultBook
  readonly log: Log
  readonly events?: PairServiceEvents
}

/** All attempts count under one key as well: a peer id costs nothing. */
const EVERYBODY = ''

/**
 * The Oracle's side of /shard/pair: whoever shows a live invitation becomes one of the owner's own. That the device is who
 * it says, Noise has proved before the stream opened.
 */
export class PairService {
  readonly #options: PairServiceOptions
  readonly #perPeer = new RateLimits(
    LIMITS.pairsPerMinute / 60,
    LIMITS.pairsPerMinute,
    LIMITS.rememberedPeers,
  )
  readonly #inAll = new RateLimits(LIMITS.allPairsPerMinute / 60, LIMITS.allPairsPerMinute, 1)

  /** Attempts being answered, by peer. */
  readonly #pairing = new Map<string, Promise<string | null>>()

  constructor(options: PairServiceOptions) {
    this.#options = options
  }

  async start(): Promise<void> {
    await this.#options.node.handle(PAIR_PROTOCOL, (stream, connection) => this.#accept(stream, connection), {
      maxInboundStreams: LIMITS.pairStreams,
      runOnLimitedConnection: true,
    })
  }

  async stop(): Promise<void> {
    await this.#options.node.unhandle(PAIR_PROTOCOL)
  }

  #accept(libp2pStream: Stream, connection: Connection): void {
    const deadline = setTimeout(
      () => stream.abort(new ProtocolError('ORDER', 'no Pair in time')),
      LIMITS.claimDeadlineMs,
    )
    let asked = false
    const stream: FrameStream = new FrameStream(libp2pStream, LIMITS.pairFrameBytes, {
      frame: (data) => {
        const request = parsePairRequest(data)
        if (!request) return
        if (asked) throw new ProtocolError('ORDER', 'Pair twice on one stream')
        asked = true
        clearTimeout(deadline)
        void this.#answer(request.invite, connection).then((reason) => {
          stream.send(encodePairFrame(reason === null ? { type: 'paired' } : { type: 'refuse', reason }))
          stream.close()
          if (reason === 'invite') this.#fault(connection, { code: 'INVITE', message: 'no such invitation' })
        })
      },
      closed: (error) => {
        clearTimeout(deadline)
        if (error instanceof ProtocolError) this.#fault(connection, error)
      },
    })
  }

  /** @returns why not; null: it is paired */
  #answer(invite: string, connection: Connection): Promise<string | null> {
    const peerId = connection.remotePeer.toString()
    // A device's Scout and its chat may show the same invitation at once: it is used up once, for both.
    const pairing = this.#pairing.get(peerId) ?? this.#pair(peerId, invite)
    this.#pairing.set(peerId, pairing)
    return pairing.finally(() => this.#pairing.delete(peerId))
  }

  async #pair(peerId: string, invite: string): Promise<string | null> {
    const { invites, isOwn, pair, faults, log, events } = this.#options
    if (faults.banned(peerId)) return 'banned'
    // Its answer to an earlier attempt may have been lost.
    if (isOwn(peerId)) return null
    if (!this.#perPeer.take(peerId) || !this.#inAll.take(EVERYBODY)) {
      log.warn({ peerId }, 'too many attempts to pair')
      return 'too-many'
    }
    if (!invites.redeem(invite)) return 'invite'
    try {
      await pair(peerId)
    } catch (err) {
      log.error({ peerId, err }, 'device not paired')
      return (err as { code?: unknown }).code === 'FULL' ? 'full' : 'failed'
    }
    log.info({ peerId }, 'device paired by invitation')
    events?.paired?.(peerId)
    return null
  }

  #fault(connection: Connection, error: Pick<ProtocolError, 'code' | 'message'>): void {
    const { faults, log, events } = this.#options
    reportFault({ faults, log, fault: events?.fault?.bind(events) }, connection, error)
  }
}
