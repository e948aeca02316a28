import { randomBytes } from 'node:crypto'
import type { Connection, PrivateKey, Stream } from '@libp2p/interface'
import type {
  DraftAccount,
  DraftWorker,
  DraftWorkerPool,
  RecruitNeed,
} from '../../shared/drafter/draft-worker.ts'
import type { Log } from '../../shared/log.ts'
import type { MeshNode } from '../../shared/mesh/node-options.ts'
import { RateLimits } from '../../shared/mesh/rate-limits.ts'
import { FrameStream } from '../../shared/protocol/frame-stream.ts'
import { encodeFrame, parseScoutFrame, type ScoutClaim } from '../../shared/protocol/frames.ts'
import { LIMITS } from '../../shared/protocol/limits.ts'
import { DRAFT_PROTOCOL, RESULT_TOPIC, WORK_TOPIC } from '../../shared/protocol/names.ts'
import { encodeOffer } from '../../shared/protocol/offers.ts'
import { ProtocolError } from '../../shared/protocol/protocol-error.ts'
import { signResult } from '../../shared/protocol/results.ts'
import type { FaultBook } from './fault-book.ts'
import { reportFault } from './protocol-faults.ts'
import { RemoteWorker } from './remote-worker.ts'

/** A model that Scouts draft for. */
export interface DraftTarget {
  readonly model: string
  readonly tokenizerHash: string
  readonly vocabSize: number
  /** Name of the draft model that pairs best, for Offers. */
  readonly draftModel: string
}

/** For metrics: what happened, in passing. */
export interface DraftServiceEvents {
  joined?(worker: DraftWorker): void
  left?(worker: DraftWorker, reason: string): void
  /** A peer broke the protocol. */
  fault?(peerId: string, code: string): void
  refused?(peerId: string, reason: string): void
  offered?(): void
}

export interface DraftServiceOptions {
  readonly node: MeshNode
  readonly privateKey: PrivateKey
  /** `own`: only paired Scouts are taken. */
  readonly scope: 'own' | 'swarm'
  /** Peer ids of the owner's Scouts. */
  readonly paired: () => ReadonlySet<string>
  readonly faults: FaultBook
  readonly log: Log
  readonly events?: DraftServiceEvents
}

/**
 * The Oracle's side of /shard/draft: claims become workers of the standing pool; a short pool is offered on gossip. Each
 * worker drafts for the targets with its tokenizer.
 */
export class DraftService {
  readonly #options: DraftServiceOptions
  readonly #workers = new Map<string, { readonly worker: RemoteWorker; readonly stream: FrameStream }>()
  readonly #listeners = new Set<() => void>()
  readonly #claims = new RateLimits(
    LIMITS.claimsPerMinute / 60,
    LIMITS.claimsPerMinute,
    LIMITS.rememberedPeers,
  )
  #targets: readonly DraftTarget[] = []
  /** Why a Scout is sent away, until its stream is closed. */
  readonly #sentAway = new WeakMap<RemoteWorker, string>()
  #results = 0
  #lastOfferMs = Number.NEGATIVE_INFINITY

  constructor(options: DraftServiceOptions) {
    this.#options = options
  }

  async start(): Promise<void> {
    await this.#options.node.handle(
      DRAFT_PROTOCOL,
      (stream, connection) => this.#accept(stream, connection),
      {
        maxInboundStreams: LIMITS.draftStreams,
        runOnLimitedConnection: true,
      },
    )
  }

  async stop(): Promise<void> {
    await this.#options.node.unhandle(DRAFT_PROTOCOL)
    for (const { stream } of this.#workers.values()) stream.close()
  }

  /**
   * The models of this Oracle from now on, the one used last first; with none, Scouts are told to come back. Those whose
   * draft still fits one stay and are told which; the others are sent away, and told why.
   */
  setTargets(targets: readonly DraftTarget[]): void {
    const before = this.#targets
    this.#targets = targets
    for (const { worker, stream } of [...this.#workers.values()]) {
      const target = this.#targetOf(worker.tokenizerHash)
      const last = before.find(({ tokenizerHash }) => tokenizerHash === worker.tokenizerHash)
      if (target === undefined) this.#sendAway(worker, stream)
      else if (target.model !== last?.model)
        stream.send(encodeFrame({ type: 'welcome', targetModel: target.model }))
    }
  }

  /** Lets a Scout go whose standing has changed: the owner's own by now, or no longer. It may claim again at once. */
  letGo(peerId: string): void {
    this.#workers.get(peerId)?.stream.close()
  }

  workers(): readonly DraftWorker[] {
    return [...this.#workers.values()].map(({ worker }) => worker)
  }

  /** The workers whose drafts fit the targets with one tokenizer. */
  poolFor(tokenizerHash: string): DraftWorkerPool {
    return {
      workers: () =>
        [...this.#workers.values()].flatMap(({ worker }) =>
          worker.tokenizerHash === tokenizerHash ? [worker] : [],
        ),
      onChange: (listener) => this.onChange(listener),
      recruit: (need) => this.#recruit(tokenizerHash, need),
    }
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  #targetOf(tokenizerHash: string): DraftTarget | undefined {
    return this.#targets.find((target) => target.tokenizerHash === tokenizerHash)
  }

  #sendAway(worker: RemoteWorker, stream: FrameStream): void {
    const reason = this.#targets.length === 0 ? 'not-ready' : 'tokenizer'
    this.#sentAway.set(worker, reason)
    stream.send(encodeFrame({ type: 'refuse', assignment: 0, reason }))
    stream.close()
  }

  #recruit(tokenizerHash: string, need: RecruitNeed): void {
    const now = performance.now()
    const target = this.#targetOf(tokenizerHash)
    if (!target || need.scope === 'none' || now - this.#lastOfferMs < LIMITS.offerIntervalMs) return
    const { node, scope, paired, log, events } = this.#options
    const listeners = node.services.gossip.getSubscribers(WORK_TOPIC).map(String)
    const missing = listeners.filter((peerId) => !this.#workers.has(peerId))
    // In scope `own` nobody is told that there is work, unless an own device is within earshot and idle.
    const own = scope === 'own' || need.scope === 'own'
    if (!missing.some((peerId) => !own || paired().has(peerId))) return
    this.#lastOfferMs = now
    const offer = encodeOffer({
      job: randomBytes(LIMITS.jobBytes).toString('hex'),
      oracle: node.peerId.toString(),
      addresses: node.getMultiaddrs().map(String).slice(0, LIMITS.offerAddresses),
      targetModel: target.model,
      draftModel: target.draftModel,
      tokenizerHash: target.tokenizerHash,
      contextLength: within(1, LIMITS.contextTokens, need.contextLength),
      expectedTokens: within(0, LIMITS.contextTokens, need.expectedTokens),
      deadlineMs: LIMITS.offerDeadlineMs,
      leastReputation: 0,
      wanted: within(1, LIMITS.wanted, need.wanted),
      listeners: listeners.length,
    })
    node.services.gossip.publish(WORK_TOPIC, offer).then(
      () => events?.offered?.(),
      (error: Error) => log.warn({ error: error.message }, 'offer not published'),
    )
  }

  #accept(libp2pStream: Stream, connection: Connection): void {
    const { log, faults, events } = this.#options
    const peerId = connection.remotePeer.toString()
    let worker: RemoteWorker | null = null
    const deadline = setTimeout(
      () => stream.abort(new ProtocolError('ORDER', 'no Claim in time')),
      LIMITS.claimDeadlineMs,
    )
    const stream: FrameStream = new FrameStream(libp2pStream, LIMITS.scoutFrameBytes, {
      frame: (data) => {
        const vocabSize = worker && this.#targetOf(worker.tokenizerHash)?.vocabSize
        const frame = parseScoutFrame(data, vocabSize ?? LIMITS.vocabulary)
        if (!frame) return
        if (frame.type === 'claim') {
          if (!this.#claims.take(peerId)) throw new ProtocolError('RATE', 'too many claims')
          clearTimeout(deadline)
          if (worker) this.#renew(worker, frame.claim, stream)
          else worker = this.#claim(peerId, frame.claim, stream)
          return
        }
        if (!worker) throw new ProtocolError('ORDER', `${frame.type} before a claim was taken`)
        if (frame.type === 'draft') worker.draft(frame.assignment, frame.frame)
        else worker.refused(frame.assignment, frame.reason)
      },
      drained: () => worker?.drained(),
      closed: (error) => {
        clearTimeout(deadline)
        const fault = error instanceof ProtocolError
        if (fault) reportFault({ faults, log, fault: events?.fault?.bind(events) }, connection, error)
        if (!worker) return
        const why = this.#sentAway.get(worker) ?? error?.message ?? 'left'
        this.#remove(worker, fault ? error.code : why, fault)
      },
    })
  }

  /** A first claim: into the pool, or refused and closed. */
  #claim(peerId: string, claim: ScoutClaim, stream: FrameStream): RemoteWorker | null {
    const { log, paired, events } = this.#options
    const target = this.#targetOf(claim.tokenizerHash)
    const refusal = this.#refusal(peerId, claim)
    if (refusal || !target) {
      const reason = refusal ?? 'not-ready'
      log.info({ peerId, reason, model: claim.draftModel }, 'scout refused')
      events?.refused?.(peerId, reason)
      stream.send(encodeFrame({ type: 'refuse', assignment: 0, reason }))
      stream.close()
      return null
    }
    const worker = new RemoteWorker({
      peerId,
      own: paired().has(peerId),
      claim,
      vocabSize: () => this.#targetOf(claim.tokenizerHash)?.vocabSize ?? 0,
      link: stream,
      receipt: (account) => this.#receipt(peerId, claim, account),
    })
    // A Scout that comes again has lost its old stream, even if this side has not seen that yet.
    this.#workers.get(peerId)?.stream.close()
    // Strangers must not crowd out the owner's own.
    if (this.#workers.size >= LIMITS.poolWorkers) this.#newestStranger()?.stream.close()
    this.#workers.set(peerId, { worker, stream })
    stream.send(encodeFrame({ type: 'welcome', targetModel: target.model }))
    log.info({ peerId, model: worker.model, own: worker.own, capacity: worker.capacity }, 'scout joined')
    events?.joined?.(worker)
    this.#changed()
    return worker
  }

  #refusal(peerId: string, claim: ScoutClaim): string | null {
    const { scope, paired, faults } = this.#options
    if (faults.banned(peerId)) return 'banned'
    if (this.#targets.length === 0) return 'not-ready'
    if (scope === 'own' && !paired().has(peerId)) return 'not-paired'
    if (!this.#targetOf(claim.tokenizerHash)) return 'tokenizer'
    const room = this.#workers.size < LIMITS.poolWorkers || this.#workers.has(peerId)
    if (!room && !(paired().has(peerId) && this.#newestStranger())) return 'full'
    return null
  }

  #newestStranger() {
    return [...this.#workers.values()].findLast(({ worker }) => !worker.own)
  }

  /** A worker of the pool answers an Offer. */
  #renew(worker: RemoteWorker, claim: ScoutClaim, stream: FrameStream): void {
    if (claim.draftModel !== worker.model)
      throw new ProtocolError('ORDER', 'another model on the same stream')
    const target = this.#targetOf(worker.tokenizerHash)
    stream.send(encodeFrame({ type: 'welcome', targetModel: target?.model ?? '' }))
  }

  #remove(worker: RemoteWorker, reason: string, fault: boolean): void {
    const { log, events } = this.#options
    if (this.#workers.get(worker.id)?.worker === worker) this.#workers.delete(worker.id)
    log.info({ peerId: worker.id, reason, fault }, 'scout left')
    worker.closed(reason, fault)
    events?.left?.(worker, reason)
    this.#changed()
  }

  async #receipt(scout: string, claim: ScoutClaim, account: DraftAccount): Promise<Uint8Array<ArrayBuffer>> {
    const { node, privateKey, log } = this.#options
    const signed = await signResult(
      {
        job: claim.job ?? randomBytes(LIMITS.jobBytes).toString('hex'),
        oracle: node.peerId.toString(),
        scout,
        drafted: account.drafted,
        accepted: account.accepted,
        milliseconds: Math.min(0xffff_ffff, Math.round(account.seconds * 1000)),
        credits: 0,
        draftModel: claim.draftModel,
        counter: ++this.#results,
        issuedMs: Date.now(),
      },
      privateKey,
    )
    node.services.gossip
      .publish(RESULT_TOPIC, signed)
      .catch((error: Error) => log.warn({ error: error.message }, 'result not published'))
    return signed
  }

  #changed(): void {
    for (const listener of this.#listeners) listener()
  }
}

function within(least: number, most: number, value: number): number {
  return Math.min(most, Math.max(least, Math.ceil(value)))
}
