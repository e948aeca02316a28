import { MirrorPath } from '../../shared/drafter/draft-path.ts'
import type {
  Assignment,
  DraftAccount,
  DraftFrame,
  DraftSession,
  DraftSink,
  DraftWorker,
  VerifiedFrame,
} from '../../shared/drafter/draft-worker.ts'
import {
  checkAssignment,
  encodeFrame,
  type OracleFrame,
  type ScoutClaim,
} from '../../shared/protocol/frames.ts'
import { LIMITS } from '../../shared/protocol/limits.ts'
import { ProtocolError } from '../../shared/protocol/protocol-error.ts'

/** What carries frames to the Scout. */
export interface WorkerLink {
  readonly open: boolean
  readonly ready: boolean
  /** Whether so many more bytes may wait for the Scout. */
  fits(bytes: number): boolean
  send(frame: Uint8Array): void
}

export interface RemoteWorkerOptions {
  readonly peerId: string
  readonly own: boolean
  readonly claim: ScoutClaim
  /** Of the target with its tokenizer, at the moment. */
  readonly vocabSize: () => number
  readonly link: WorkerLink
  /** The signed account of an ended assignment, sent with Done. */
  readonly receipt: (account: DraftAccount) => Promise<Uint8Array<ArrayBuffer>>
}

interface Active {
  readonly sink: DraftSink
  readonly mirror: MirrorPath
  readonly window: number
  /** Where the Scout's own context ends before the request does; null when it does not. */
  readonly leavesAt: number | null
  /** True tokens that wait for the link, merged. */
  waiting: VerifiedFrame | null
}

/** A Scout behind a stream. Drafts are checked against the mirror of its path before the Oracle's core sees them. */
export class RemoteWorker implements DraftWorker {
  readonly id: string
  readonly origin = 'scout'
  readonly own: boolean
  readonly model: string
  readonly speed: number
  readonly capacity: number
  readonly tokenizerHash: string
  readonly since = Date.now()
  readonly #options: RemoteWorkerOptions
  readonly #active = new Map<number, Active>()
  /** Ended assignments → frames that may still have crossed their Done. */
  readonly #past = new Map<number, number>()

  constructor(options: RemoteWorkerOptions) {
    this.#options = options
    this.id = options.peerId
    this.own = options.own
    this.model = options.claim.draftModel
    this.speed = options.claim.speed
    this.capacity = options.claim.capacity
    this.tokenizerHash = options.claim.tokenizerHash
  }

  assign(assignment: Assignment, sink: DraftSink): DraftSession {
    const { id } = assignment
    const { contextLength } = this.#options.claim
    const leavesAt = contextLength < assignment.endPosition ? contextLength : null
    const endPosition = leavesAt ?? assignment.endPosition
    const frame = this.#assignFrame({ ...assignment, endPosition })
    if (typeof frame === 'string') {
      queueMicrotask(() => sink.closed(frame, false))
      return { verified() {}, done() {} }
    }
    const mirror = new MirrorPath(assignment.context.length, assignment.window, endPosition)
    const active: Active = { sink, mirror, window: assignment.window, leavesAt, waiting: null }
    this.#active.set(id, active)
    this.#options.link.send(frame)
    return {
      verified: (frame) => {
        if (this.#active.get(id) === active) this.#verified(id, active, frame)
      },
      done: (reason, account) => {
        if (this.#active.get(id) !== active) return
        this.#flush(id, active)
        this.#forget(id, active)
        void this.#options
          .receipt(account)
          .catch(() => new Uint8Array(0))
          .then((receipt) => this.#send({ type: 'done', assignment: id, reason, account, receipt }))
      },
    }
  }

  /** A Draft has come. @throws {ProtocolError} ASSIGNMENT, PATH */
  draft(id: number, frame: DraftFrame): void {
    const active = this.#active.get(id)
    if (!active) {
      this.#stray(id)
      return
    }
    try {
      active.mirror.draft(frame)
    } catch (cause) {
      throw new ProtocolError('PATH', cause instanceof Error ? cause.message : String(cause), { cause })
    }
    active.sink.draft(frame)
  }

  /** The Scout gives an assignment back. @throws {ProtocolError} ASSIGNMENT */
  refused(id: number, reason: string): void {
    const active = this.#active.get(id)
    if (!active) {
      this.#stray(id)
      return
    }
    this.#forget(id, active)
    active.sink.closed(reason, false)
  }

  drained(): void {
    for (const [id, active] of this.#active) this.#flush(id, active)
  }

  /** The link is gone. */
  closed(reason: string, fault: boolean): void {
    const ended = [...this.#active.values()]
    this.#active.clear()
    for (const { sink } of ended) sink.closed(reason, fault)
  }

  /** The frame that gives the assignment, or why this Scout cannot take it. */
  #assignFrame(assignment: Assignment): Uint8Array | string {
    const { link, claim, vocabSize } = this.#options
    if (!link.open) return 'gone'
    if (this.#active.size >= this.capacity) return 'busy'
    if (assignment.context.length >= claim.contextLength) return 'context'
    try {
      checkAssignment(assignment, vocabSize())
    } catch (error) {
      return error instanceof Error ? error.message : String(error)
    }
    const frame = encodeFrame({ type: 'assign', assignment })
    return link.fits(frame.byteLength) ? frame : 'slow'
  }

  #verified(id: number, active: Active, frame: VerifiedFrame): void {
    active.mirror.sent(frame)
    if (active.leavesAt !== null && frame.position + frame.tokens.length >= active.leavesAt) {
      // The Oracle's core answers with `done`, from which the Scout learns it.
      queueMicrotask(() => active.sink.closed('context', false))
    }
    const { waiting } = active
    active.waiting = waiting
      ? { ...frame, position: waiting.position, tokens: [...waiting.tokens, ...frame.tokens] }
      : frame
    // A link that has not moved for this many tokens is of no use: the write deadline will end it.
    if (this.#options.link.ready || active.waiting.tokens.length >= LIMITS.verifiedTokens)
      this.#flush(id, active)
  }

  #flush(id: number, active: Active): void {
    const { waiting } = active
    if (!waiting) return
    active.waiting = null
    this.#send({ type: 'verified', assignment: id, frame: waiting })
  }

  #forget(id: number, active: Active): void {
    this.#active.delete(id)
    this.#past.set(id, active.window + LIMITS.strayFrames)
    if (this.#past.size > LIMITS.pastAssignments) {
      const [oldest] = this.#past.keys()
      if (oldest !== undefined) this.#past.delete(oldest)
    }
  }

  /** Frames cross: a few for an assignment just ended are no fault. */
  #stray(id: number): void {
    const left = this.#past.get(id)
    if (left === undefined)
      throw new ProtocolError('ASSIGNMENT', `assignment ${id} was not given to this Scout`)
    if (left === 0) throw new ProtocolError('ASSIGNMENT', `drafts go on long after assignment ${id} ended`)
    this.#past.set(id, left - 1)
  }

  #send(frame: OracleFrame): void {
    this.#options.link.send(encodeFrame(frame))
  }
}
