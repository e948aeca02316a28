import type { Load } from './load.ts'

/** Passes that count for the mean. */
const MEMORY = 64
/** Passes in a row with the lower bound below zero after which a worker is let go. */
const STRETCH = 40
/** The same where it is plain: even the upper bound says that it costs more than this share of every pass. */
const PLAIN_STRETCH = 12
const PLAIN_LOSS = 0.03
/** Passes after which a worker is known to be worth having if it has saved more than this share of them. */
const PROVEN = 8
const PROVEN_GAIN = 0.01
/** Standard errors beside the mean. */
const CAUTION = 1
/** How long a worker rests after it did not pay, in milliseconds of the clock; doubled each time. */
const FIRST_REST_MS = 30_000
const LONGEST_REST_MS = 600_000
/** What trying it again and again may cost, as a share of the time in passes: the rest lasts until that is made up for. */
const WASTE = 0.005
/** How much dearer a token must have become to try again before. */
const CHANGED = 1.5

/** What a worker saves per pass and request while about so many requests run, and whether that is worth having. */
export class Verdict {
  #mean = 0
  #square = 0
  #passes = 0
  #below = 0
  #plain = 0
  /** What it saves is more than nothing. */
  #clear = false
  #lostMs = 0
  #rests = 0
  #restUntil = Number.NEGATIVE_INFINITY
  #restUntilBusy = Number.NEGATIVE_INFINITY
  #tokenMs = 0

  /** Of a pass that takes `passMs` without it the worker saved so much for each of the requests that it drafts for. */
  observe(savedMs: number, passMs: number, requests = 1): void {
    this.#lostMs -= savedMs * requests
    this.#passes = Math.min(this.#passes + 1, MEMORY)
    const weight = 1 / this.#passes
    this.#mean += weight * (savedMs - this.#mean)
    this.#square += weight * (savedMs * savedMs - this.#square)
    this.#clear = requests * this.lower > PROVEN_GAIN * passMs
    this.#below = this.lower < 0 ? this.#below + 1 : 0
    this.#plain = requests * (this.#mean + this.#error) < -PLAIN_LOSS * passMs ? this.#plain + 1 : 0
    if (this.#below === 0 && this.#passes === MEMORY) this.#rests = 0
  }

  get mean(): number {
    return this.#mean
  }

  /** Passes that were seen since it was asked, as far as they count. */
  get passes(): number {
    return this.#passes
  }

  /** Milliseconds saved per pass and request, one standard error below the mean. */
  get lower(): number {
    return this.#passes === 0 ? 0 : this.#mean - this.#error
  }

  get #error(): number {
    const variance = Math.max(0, this.#square - this.#mean * this.#mean)
    return CAUTION * Math.sqrt(variance / this.#passes)
  }

  /** Milliseconds that it has cost since it was asked, less what it has saved. */
  get lostMs(): number {
    return Math.max(0, this.#lostMs)
  }

  /** It is worth having, as far as one can tell. */
  get proven(): boolean {
    return this.#passes >= PROVEN && this.#clear
  }

  /** It has not paid for a whole stretch. */
  get spent(): boolean {
    return this.#below >= STRETCH || this.#plain >= PLAIN_STRETCH
  }

  /** It is let go: tried again when both clock and passes have gone on for so long, or when tokens have become dear. */
  rest({ now, busyMs, tokenMs }: Load): void {
    const longer = 2 ** this.#rests++
    this.#restUntil = now + Math.min(LONGEST_REST_MS, FIRST_REST_MS * longer)
    this.#restUntilBusy = busyMs + Math.min(LONGEST_REST_MS, (this.lostMs / WASTE) * longer)
    this.#tokenMs = tokenMs
    this.#mean = 0
    this.#square = 0
    this.#passes = 0
    this.#below = 0
    this.#plain = 0
    this.#clear = false
    this.#lostMs = 0
  }

  /** Whether it may be asked. */
  ready({ now, busyMs, tokenMs }: Load): boolean {
    const rested = now >= this.#restUntil && busyMs >= this.#restUntilBusy
    return rested || tokenMs > CHANGED * this.#tokenMs
  }
}
