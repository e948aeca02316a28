import { DraftPath } from '../../shared/drafter/draft-path.ts'
import type {
  Assignment,
  DoneReason,
  DraftAccount,
  DraftFrame,
  DraftSession,
  DraftSink,
  DraftWorker,
  DraftWorkerPool,
  VerifiedFrame,
} from '../../shared/drafter/draft-worker.ts'
import { Gathering } from '../../shared/drafter/gathering.ts'
import type { Draws } from './draws.ts'
import { TOY_VOCAB, toyNext } from './toy-engine.ts'
import type { VirtualClock } from './virtual-clock.ts'

export type Behaviour =
  | 'honest'
  /** Takes the work and never says anything. */
  | 'silent'
  /** Closes after a while. */
  | 'dying'
  /** Falls silent after a while. */
  | 'stalling'
  /** Frames with wild epochs, positions, lengths and tokens. */
  | 'hostile'

export interface SimulatedWorkerOptions {
  readonly id: string
  readonly behaviour: Behaviour
  /** Chance that a token is the target's own. */
  readonly alpha: number
  /** Milliseconds per drafted token. */
  readonly tokenMs: number
  /** One way, in milliseconds, and what may come on top. */
  readonly delayMs: number
  readonly jitterMs: number
  /** Chance that a frame has to be sent again, which costs a round trip more. Frames stay in order. */
  readonly loss: number
  /** When a dying or stalling worker does so, after its assignment. */
  readonly lifeMs: number
  readonly capacity: number
  readonly own: boolean
  /** It breaks a token off that true ones have overtaken; real ones finish it first, which is the default. */
  readonly breaksOff?: boolean
}

/** A Scout behind a simulated link. It follows the epoch rules with the same `DraftPath` that real ones use. */
export class SimulatedWorker implements DraftWorker {
  readonly id: string
  readonly origin = 'scout'
  readonly own: boolean
  readonly model = 'toy-draft'
  readonly speed: number
  readonly capacity: number
  /** Assignments at work now, and the most at once. */
  busy = 0
  busiest = 0
  /** Assignments that it was given, and frames of it that have arrived. */
  hires = 0
  delivered = 0
  readonly accounts: DraftAccount[] = []
  readonly reasons: DoneReason[] = []
  /** Called when it is gone for good. */
  onGone: () => void = () => {}
  readonly #options: SimulatedWorkerOptions
  readonly #clock: VirtualClock
  readonly #random: Draws

  constructor(options: SimulatedWorkerOptions, clock: VirtualClock, random: Draws) {
    this.id = options.id
    this.own = options.own
    this.speed = Math.round(1000 / options.tokenMs)
    this.capacity = options.capacity
    this.#options = options
    this.#clock = clock
    this.#random = random
  }

  assign(assignment: Assignment, sink: DraftSink): DraftSession {
    this.hires++
    this.busy++
    this.busiest = Math.max(this.busiest, this.busy)
    const { behaviour, lifeMs, tokenMs } = this.#options
    const path = new DraftPath(assignment.context.length)
    const tokens = [...assignment.context]
    let over = false
    let drafting = false
    /** Tokens begun; the path changed under the one that is being drafted. */
    let steps = 0
    let moved = false
    let lastThere = 0
    let lastHere = 0
    const gathering = new Gathering(() => this.#clock.now())
    /** Tokens of the guess that have not been sent. */
    let pending = 0

    const flush = (): void => {
      gathering.sent()
      if (pending === 0) return
      const { epoch, guess, end } = path
      const frame: DraftFrame = { epoch, position: end - pending, tokens: guess.slice(-pending) }
      pending = 0
      lastHere = send(lastHere, () => {
        this.delivered++
        sink.draft(behaviour === 'hostile' ? this.#spoil(frame) : frame)
      })
    }
    const flushUnlessGathering = (): void => {
      if (!gathering.keeps(pending, path.guess.length - pending)) flush()
    }
    const step = (): void => {
      drafting = false
      if (over || behaviour === 'silent') return
      // It no longer continues the path: the next one takes its full time.
      if (moved) {
        moved = false
        next(tokenMs)
        return
      }
      if (behaviour === 'stalling' && this.#clock.now() - startedAt > lifeMs) return
      const tip = path.guess.at(-1)
      if (room() <= 0 || (tip !== undefined && assignment.stopTokens.includes(tip))) return
      const right = toyNext(tokens, assignment.key)
      const token = this.#random.chance(this.#options.alpha) ? right : this.#random.int(0, TOY_VOCAB - 1)
      tokens.push(token)
      path.guess.push(token)
      pending++
      gathering.drafted(1, tokenMs)
      if (room() <= 0 || assignment.stopTokens.includes(token)) flush()
      else flushUnlessGathering()
      next(tokenMs)
    }
    const room = () => Math.min(path.known + assignment.window, assignment.endPosition) - path.end
    const next = (ms: number): void => {
      if (drafting || over) return
      drafting = true
      const begun = ++steps
      this.#clock.after(ms, () => {
        if (begun === steps) step()
      })
    }
    /** Delivers after the link's delay, never before what was sent earlier; returns when. */
    const send = (earliest: number, deliver: () => void): number => {
      const { delayMs, jitterMs, loss } = this.#options
      const resent = this.#random.chance(loss) ? 2 * delayMs + 10 : 0
      const at = Math.max(earliest, this.#clock.now() + delayMs + this.#random.uniform() * jitterMs + resent)
      this.#clock.at(at, () => {
        if (!over) deliver()
      })
      return at
    }

    const startedAt = this.#clock.now()
    lastThere = send(0, () => next(tokenMs))
    if (behaviour === 'dying') {
      this.#clock.after(lifeMs, () => {
        if (over) return
        over = true
        this.busy--
        this.onGone()
        sink.closed('connection lost', false)
      })
    }
    return {
      verified: (frame: VerifiedFrame) => {
        if (over) return
        lastThere = send(lastThere, () => {
          const known = path.known
          const { dropped } = path.verified(frame)
          if (dropped > 0) tokens.length = known
          const overtaken = tokens.length < known + frame.tokens.length
          if (drafting && (dropped > 0 || overtaken)) {
            if (this.#options.breaksOff) drafting = false
            else moved = true
          }
          for (let i = tokens.length - known; i < frame.tokens.length; i++) tokens.push(frame.tokens[i]!)
          pending = Math.min(pending, path.guess.length)
          gathering.told()
          flushUnlessGathering()
          next(tokenMs)
        })
      },
      done: (reason, account) => {
        this.reasons.push(reason)
        this.accounts.push(account)
        if (over) return
        over = true
        this.busy--
      },
    }
  }

  /** What parsing at the edge lets through, made as nasty as it gets. */
  #spoil(frame: DraftFrame): DraftFrame {
    const random = this.#random
    const nasty = random.int(0, 7)
    if (nasty === 0) return { ...frame, epoch: frame.epoch + random.int(-3, 3) }
    if (nasty === 1) return { ...frame, position: random.int(0, 2000) }
    if (nasty === 2) return { ...frame, tokens: [random.pick([-1, 1.5, TOY_VOCAB, 2 ** 40, Number.NaN])] }
    if (nasty === 3) return { ...frame, tokens: [] }
    if (nasty === 4) return { ...frame, tokens: Array.from({ length: 5000 }, () => 1) }
    return frame
  }
}

/** A pool whose workers may leave and be replaced. */
export class SimulatedPool implements DraftWorkerPool {
  readonly #listeners = new Set<() => void>()
  recruited = 0
  #workers: DraftWorker[]

  constructor(workers: readonly DraftWorker[]) {
    this.#workers = [...workers]
  }

  workers(): readonly DraftWorker[] {
    return this.#workers
  }

  add(worker: DraftWorker): void {
    this.#workers.push(worker)
    for (const listener of this.#listeners) listener()
  }

  remove(worker: DraftWorker): void {
    this.#workers = this.#workers.filter((other) => other !== worker)
    for (const listener of this.#listeners) listener()
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  recruit(): void {
    this.recruited++
  }
}
