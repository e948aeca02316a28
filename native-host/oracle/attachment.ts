import type {
  DoneReason,
  DraftAccount,
  DraftFrame,
  DraftSession,
  DraftWorker,
} from '../../shared/drafter/draft-worker.ts'
import { arrivals } from '../../shared/drafter/gathering.ts'
import { Acceptance } from '../scheduler/acceptance.ts'
import { WorkerPath } from '../scheduler/worker-path.ts'
import type { ActiveRequest } from './active-request.ts'
import type { Clock } from './clock.ts'
import type { WorkerRecord } from './worker-records.ts'

/** Tested tokens that a worker's record is worth as the prior for one request. */
const RECORD_STRENGTH = 8
/** Frames that may wait for a pass to end: a slow link that delivers in bursts; beyond it is a flood. */
const INBOX_FRAMES = 512
/** A worker that has sent something within so long is alive, in milliseconds. */
const RECENT_MS = 1_000
/** What a frame that nobody waited for tells of the worker's reliability, as a share of a wait. */
const UNASKED = 0.1
/** Verified whose sending times are remembered: a worker that lags further is measured by nothing. */
const SENT_TIMES = 64

export interface AttachmentInit {
  readonly id: number
  readonly worker: DraftWorker
  readonly record: WorkerRecord
  readonly request: ActiveRequest
  readonly window: number
  readonly clock: Clock
  /** Something came, or the worker is gone. */
  readonly ring: () => void
}

/** A frame that waits for the pass to end. */
interface Received {
  readonly frame: DraftFrame
  /** Tokens that were true when it came. */
  readonly decidedBefore: number
}

/** One worker drafting for one request. */
export class Attachment {
  readonly worker: DraftWorker
  readonly record: WorkerRecord
  readonly request: ActiveRequest
  readonly path: WorkerPath
  readonly acceptance: Acceptance
  readonly #window: number
  readonly #clock: Clock
  readonly #session: DraftSession
  readonly #assignedAt: number
  #inbox: Received[] = []
  /** True tokens that the worker knows, or will when it has read what was sent. */
  #known: number
  /** When recent Verified went out and where they ended, by epoch. */
  readonly #told = new Map<number, { readonly at: number; readonly end: number }>()
  #lastFrame: { readonly at: number; readonly filled: boolean } | null = null
  /** Since when it could have sent something and has not; null when nothing is asked of it. */
  #owesSince: number | null
  /** Why it is over, from the worker's side. */
  closed: { readonly reason: string; readonly fault: boolean } | null = null
  /** Tokens it was first to send that took part in a pass, and of those the confirmed. */
  drafted = 0
  accepted = 0
  /** Milliseconds waited for it since the last pass, whether it came or not. */
  waitedMs = 0
  /** Frames taken from it so far. */
  frames = 0

  constructor({ id, worker, record, request, window, clock, ring }: AttachmentInit) {
    this.worker = worker
    this.record = record
    this.request = request
    this.acceptance = new Acceptance(record.acceptance.alpha, RECORD_STRENGTH)
    this.#clock = clock
    this.#assignedAt = clock.now()
    this.#owesSince = this.#assignedAt
    this.#known = request.tokens.length
    this.#window = window
    // The token at the very end is the Oracle's: a draft there could only be confirmed by a row nobody needs.
    const endPosition = request.end - 1
    this.path = new WorkerPath(this.#known, window, endPosition)
    const { settings, key, stopTokens, prompt } = request.request
    this.#session = worker.assign(
      {
        id,
        context: [...request.tokens],
        promptLength: prompt.length,
        settings,
        key,
        window,
        endPosition,
        stopTokens,
      },
      {
        draft: (frame) => {
          if (this.closed !== null) return
          this.#observe(frame)
          const received = { frame, decidedBefore: request.tokens.length }
          if (this.#inbox.push(received) > INBOX_FRAMES) this.closed = { reason: 'flood', fault: true }
          ring()
        },
        closed: (reason, fault) => {
          this.closed ??= { reason, fault }
          ring()
        },
      },
    )
  }

  get alpha(): number {
    return this.acceptance.alpha
  }

  /** Takes out the frames that arrived since the last call. */
  take(): Received[] {
    const frames = this.#inbox
    this.#inbox = []
    this.frames += frames.length
    return frames
  }

  /** Tells the worker what has become true. */
  tell(): void {
    const { tokens } = this.request
    if (this.closed !== null || this.#known === tokens.length) return
    const now = this.#clock.now()
    const frame = {
      epoch: this.path.lastSent + 1,
      position: this.#known,
      tokens: tokens.slice(this.#known),
      account: { drafted: this.drafted, accepted: this.accepted },
    }
    this.#known = tokens.length
    this.path.sent(frame)
    this.#told.set(frame.epoch, { at: now, end: this.#known })
    this.#told.delete(frame.epoch - SENT_TIMES)
    this.#owesSince ??= now
    this.#session.verified(frame)
  }

  done(reason: DoneReason): void {
    this.closed ??= { reason, fault: false }
    this.#session.done(reason, this.account())
  }

  account(): DraftAccount {
    const seconds = (this.#clock.now() - this.#assignedAt) / 1000
    return { drafted: this.drafted, accepted: this.accepted, seconds }
  }

  /** So many of its tokens, which it was first to send, took part in a pass. */
  drafts(tokens: number): void {
    this.drafted += tokens
    this.record.drafted += tokens
  }

  /** So many of these were confirmed. */
  accepts(tokens: number): void {
    this.accepted += tokens
    this.record.accepted += tokens
  }

  /** One more, tested in a pass or late and wrong. */
  observe(hits: number, misses: number): void {
    this.acceptance.observe(hits, misses)
    this.record.acceptance.observe(hits, misses)
  }

  /** Milliseconds for which it has owed a draft; 0 when its window is full or its path has ended. */
  owedMs(): number {
    if (!this.owes) {
      this.#owesSince = null
      return 0
    }
    this.#owesSince ??= this.#clock.now()
    return this.#clock.now() - this.#owesSince
  }

  /** Whether a wait for it may succeed: it kept its word so far, or has sent something just now. */
  get lively(): boolean {
    const recent = this.#lastFrame !== null && this.#clock.now() - this.#lastFrame.at < RECENT_MS
    return recent || this.record.reliability.alpha > 0.5
  }

  /** When its next tokens should be here, in milliseconds from now, rising; empty when nothing is due or all is overdue. */
  due(): number[] {
    const { turn, step } = this.record.timing
    if (!this.owes || this.#inbox.length > 0) return []
    const { tokens, restarts } = this.path.room(this.request.tokens)
    const first = restarts ? turn.high : step.high
    const from = restarts ? this.#told.get(this.path.lastSent)?.at : this.#lastFrame?.at
    if (first === null || from === undefined) return []
    const now = this.#clock.now()
    const next = from + first - now
    if (next < 0) return []
    const gap = step.mean ?? first
    const sent = restarts ? 0 : this.path.live(this.request.tokens)
    return this.worker.origin === 'local'
      ? Array.from({ length: tokens }, (_, i) => next + i * gap)
      : arrivals(sent, tokens, next, gap)
  }

  /** Whether it could send something: its window has room, its path has not ended. */
  get owes(): boolean {
    if (this.closed !== null) return false
    const { tokens, restarts } = this.path.room(this.request.tokens)
    const tip = this.path.tip
    const ended = !restarts && tip !== null && this.request.request.stopTokens.includes(tip)
    return tokens > 0 && !ended
  }

  /** Learns the link's timing from arrivals alone. */
  #observe(frame: DraftFrame): void {
    const at = this.#clock.now()
    const last = this.#lastFrame
    const { turn, step } = this.record.timing
    // The assignment's own answer includes reading the whole prompt: it says nothing of later ones.
    const told = this.#told.get(frame.epoch)
    if (told !== undefined && told.end === frame.position) turn.observe(at - told.at)
    else if (last !== null && !last.filled) step.observe((at - last.at) / Math.max(1, frame.tokens.length))
    const end = frame.position + frame.tokens.length
    this.#lastFrame = { at, filled: told !== undefined && end >= told.end + this.#window }
    this.#owesSince = at
    this.record.reliability.observe(UNASKED, 0)
  }
}
