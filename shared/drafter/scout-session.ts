import type { Stream } from '@libp2p/interface'
import { FrameStream } from '../protocol/frame-stream.ts'
import { encodeFrame, parseOracleFrame, type ScoutClaim } from '../protocol/frames.ts'
import { LIMITS } from '../protocol/limits.ts'
import { ProtocolError } from '../protocol/protocol-error.ts'
import { DraftRunner } from './draft-runner.ts'
import type { Assignment, DoneReason, DraftAccount, DraftFrame, VerifiedFrame } from './draft-worker.ts'
import type { Drafter } from './drafter.ts'
import { Gathering } from './gathering.ts'

export interface ScoutSessionHandlers {
  /** Most unverified tokens that this Scout wants to hold, whatever window the Oracle grants. */
  readonly window?: number
  welcomed?(targetModel: string): void
  /** The Oracle does not take this Scout (now). */
  refused?(reason: string): void
  assigned?(assignment: Assignment): void
  done?(assignment: number, reason: DoneReason, account: DraftAccount, receipt: Uint8Array): void
  /** An assignment that this Scout could not take or go on with. */
  gaveBack?(assignment: number, reason: string): void
  /** The session is over; how many tokens it drafted. */
  ended?(drafted: number): void
  closed?(error: Error | null): void
  /** Tests only: what to send instead of a Draft. */
  tamper?(frame: DraftFrame): DraftFrame
}

interface Task {
  runner: DraftRunner | null
  over: boolean
  /** Verified frames that came while the sequence was being opened. */
  early: VerifiedFrame[]
  /** What the Oracle last said of this assignment. */
  account: NonNullable<VerifiedFrame['account']>
}

/** The Scout's side of one stream of /shard/draft: a claim, then assignments, each with a runner of its own. */
export class ScoutSession {
  readonly #drafter: Drafter
  readonly #claim: ScoutClaim
  readonly #handlers: ScoutSessionHandlers
  readonly #stream: FrameStream
  readonly #tasks = new Map<number, Task>()
  #drafted = 0

  constructor(stream: Stream, drafter: Drafter, claim: ScoutClaim, handlers: ScoutSessionHandlers) {
    this.#drafter = drafter
    this.#claim = claim
    this.#handlers = handlers
    this.#stream = new FrameStream(stream, LIMITS.oracleFrameBytes, {
      frame: (data) => this.#frame(data),
      drained: () => {
        for (const { runner } of this.#tasks.values()) runner?.drained()
      },
      closed: (error) => {
        for (const [id, task] of this.#tasks) this.#forget(id, task)
        this.#handlers.ended?.(this.#drafted)
        this.#handlers.closed?.(error)
      },
    })
    this.#stream.send(encodeFrame({ type: 'claim', claim }))
  }

  /** Assignments in work. */
  get assignments(): number {
    return this.#tasks.size
  }

  /** Sum of what the Oracle said so far of the assignments in work. */
  get account(): { readonly drafted: number; readonly accepted: number } {
    const accounts = [...this.#tasks.values()].map(({ account }) => account)
    return {
      drafted: accounts.reduce((sum, { drafted }) => sum + drafted, 0),
      accepted: accounts.reduce((sum, { accepted }) => sum + accepted, 0),
    }
  }

  /** Tokens drafted since the session began. */
  get drafted(): number {
    let drafted = this.#drafted
    for (const { runner } of this.#tasks.values()) drafted += runner?.drafted ?? 0
    return drafted
  }

  /** Answers an Offer on the stream that is open already. */
  claimAgain(job: string): void {
    this.#stream.send(encodeFrame({ type: 'claim', claim: { ...this.#claim, job } }))
  }

  close(): void {
    this.#stream.close()
  }

  #frame(data: Uint8Array): void {
    const frame = parseOracleFrame(data, this.#drafter.vocabSize)
    if (!frame) return
    switch (frame.type) {
      case 'welcome':
        this.#handlers.welcomed?.(frame.targetModel)
        return
      case 'refuse':
        this.#handlers.refused?.(frame.reason)
        return
      case 'assign':
        this.#assign(frame.assignment)
        return
      case 'verified': {
        const task = this.#tasks.get(frame.assignment)
        if (!task) return // given back a moment ago
        task.account = frame.frame.account ?? task.account
        if (task.runner) this.#verified(task.runner, frame.frame)
        else if (task.early.length < LIMITS.verifiedTokens) task.early.push(frame.frame)
        else throw new ProtocolError('RATE', 'too many Verified before the first draft')
        return
      }
      case 'done': {
        const task = this.#tasks.get(frame.assignment)
        if (task) this.#forget(frame.assignment, task)
        this.#handlers.done?.(frame.assignment, frame.reason, frame.account, frame.receipt)
      }
    }
  }

  #assign(assigned: Assignment): void {
    const window = Math.min(assigned.window, this.#handlers.window ?? assigned.window)
    const assignment = { ...assigned, window }
    if (this.#tasks.has(assignment.id)) throw new ProtocolError('ORDER', `assignment ${assignment.id} twice`)
    if (this.#tasks.size >= this.#claim.capacity) {
      this.#giveBack(assignment.id, 'busy')
      return
    }
    const task: Task = { runner: null, over: false, early: [], account: { drafted: 0, accepted: 0 } }
    this.#tasks.set(assignment.id, task)
    this.#handlers.assigned?.(assignment)
    this.#work(assignment, task).catch((error: unknown) => {
      if (task.over) return
      this.#forget(assignment.id, task)
      // A protocol error of the Oracle's ends the stream; the model's trouble ends the assignment.
      if (error instanceof ProtocolError) this.#stream.abort(error)
      else this.#giveBack(assignment.id, reasonOf(error))
    })
  }

  async #work(assignment: Assignment, task: Task): Promise<void> {
    const sequence = await this.#drafter.open(assignment)
    if (task.over) return sequence.close()
    const stream = this.#stream
    const outlet = {
      get ready() {
        return stream.ready
      },
      send: (draft: DraftFrame) => {
        const frame = this.#handlers.tamper?.(draft) ?? draft
        stream.send(encodeFrame({ type: 'draft', assignment: assignment.id, frame }))
      },
    }
    const runner = new DraftRunner(assignment, sequence, outlet, new Gathering())
    task.runner = runner
    const running = runner.run()
    running.catch(() => {}) // awaited below, unless an early frame is wrong
    for (const frame of task.early) this.#verified(runner, frame)
    task.early = []
    await running
  }

  #verified(runner: DraftRunner, frame: VerifiedFrame): void {
    try {
      runner.verified(frame)
    } catch (cause) {
      throw new ProtocolError('PATH', cause instanceof Error ? cause.message : String(cause), { cause })
    }
  }

  #giveBack(assignment: number, reason: string): void {
    this.#stream.send(encodeFrame({ type: 'refuse', assignment, reason }))
    this.#handlers.gaveBack?.(assignment, reason)
  }

  #forget(id: number, task: Task): void {
    this.#tasks.delete(id)
    task.over = true
    task.runner?.stop()
    this.#drafted += task.runner?.drafted ?? 0
  }
}

/** One printable word for the wire; the message itself stays here. */
function reasonOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'failed'
  return (
    code
      .toLowerCase()
      .replace(/[^a-z0-9]+/g, '-')
      .slice(0, LIMITS.reasonBytes) || 'failed'
  )
}
