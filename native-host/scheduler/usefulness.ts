/** Passes that count for the mean. */
const MEMORY = 64
/** Passes in a row with the lower bound below zero after which a worker is let go. */
const STRETCH = 64
/** The same where it is plain: even the upper bound says that it costs more than this share of a token at every pass. */
const PLAIN_STRETCH = 12
const PLAIN_LOSS = 0.1
/** Standard errors below the mean. */
const CAUTION = 1
/**
 * What an attached worker costs the Oracle per pass beside rows and waits, in milliseconds: its frames in and out, the trie,
 * and for a Scout encryption and the stream. Measured with two Scouts on the same two cores and a target that decodes in
 * 0.7 ms: a pass took 1.2 ms longer. Why a worker that gains nothing is a loss, and why nobody can help a tiny target.
 */
const OVERHEAD_MS = { scout: 0.6, local: 0.1 } as const
/** How long a worker rests after it did not pay, doubled each time, and how far the cost of a pass must move to ask again. */
const FIRST_REST_MS = 30_000
const LONGEST_REST_MS = 600_000
const CHANGED = 1.5
/** For how long it must have moved: the first of several requests that come together is alone for a moment. In milliseconds. */
const LASTING_MS = 2_000
/** Nobody asked for so long: what was seen before does not count as lasting. In milliseconds. */
const FORGOTTEN_MS = 5_000

/** What a pass with a worker attached was worth. */
export interface PassValue {
  /** Its tokens that were confirmed. */
  readonly accepted: number
  /** Milliseconds that one token costs without drafts: T(base rows) / base rows. */
  readonly tokenMs: number
  /** Milliseconds by which its rows made the pass longer. */
  readonly extraMs: number
  /** Milliseconds waited for it in vain. */
  readonly waitedMs: number
  /** Its share of the milliseconds by which passes take longer while somebody drafts: processor that drafters and frames use. */
  readonly dragMs: number
}

/**
 * Time that a worker saves, pass by pass, and whether it is worth having. Says nothing about its honesty or its model: a
 * worker that does not pay here may pay elsewhere.
 */
export class Usefulness {
  readonly #overheadMs: number
  #mean = 0
  #square = 0
  #passes = 0
  #below = 0
  #plain = 0
  #rests = 0
  #restUntil = 0
  #tokenMs = 0
  /** Since when tokens have cost so much more, as far as asked; null: they do not. */
  #dearSince: number | null = null
  #askedAt = 0

  constructor(origin: 'scout' | 'local' = 'scout') {
    this.#overheadMs = OVERHEAD_MS[origin]
  }

  observe(value: PassValue): void {
    const saved =
      value.accepted * value.tokenMs -
      value.extraMs -
      value.waitedMs -
      Math.max(value.dragMs, this.#overheadMs)
    this.#passes = Math.min(this.#passes + 1, MEMORY)
    const weight = 1 / this.#passes
    this.#mean += weight * (saved - this.#mean)
    this.#square += weight * (saved * saved - this.#square)
    this.#below = this.lower < 0 ? this.#below + 1 : 0
    this.#plain = this.#mean + this.#error < -PLAIN_LOSS * value.tokenMs ? this.#plain + 1 : 0
    this.#tokenMs = value.tokenMs
    if (this.#below === 0 && this.#passes === MEMORY) this.#rests = 0
  }

  /** Milliseconds saved per pass, one standard error below the mean. */
  get lower(): number {
    if (this.#passes === 0) return 0
    return this.#mean - this.#error
  }

  get #error(): number {
    const variance = Math.max(0, this.#square - this.#mean * this.#mean)
    return CAUTION * Math.sqrt(variance / this.#passes)
  }

  get mean(): number {
    return this.#mean
  }

  /** It has not paid for a whole stretch. */
  get spent(): boolean {
    return this.#below >= STRETCH || this.#plain >= PLAIN_STRETCH
  }

  /** Lets it go: it is asked again after a rest, or when the cost of a token has changed. */
  rest(now: number): void {
    this.#dearSince = null
    this.#restUntil = now + Math.min(LONGEST_REST_MS, FIRST_REST_MS * 2 ** this.#rests)
    // Where it was plain, the next try comes later still.
    this.#rests += this.#plain >= PLAIN_STRETCH ? 2 : 1
    this.#mean = 0
    this.#square = 0
    this.#passes = 0
    this.#below = 0
    this.#plain = 0
  }

  /** Whether it may be asked, given what a token costs now (ms). */
  ready(now: number, tokenMs: number): boolean {
    if (now >= this.#restUntil) return true
    if (now - this.#askedAt > FORGOTTEN_MS) this.#dearSince = null
    this.#askedAt = now
    if (tokenMs <= this.#tokenMs * CHANGED) {
      this.#dearSince = null
      return false
    }
    this.#dearSince ??= now
    return now - this.#dearSince >= LASTING_MS
  }
}
