import type { Drafter, DraftSequence, DraftTask } from '../../../shared/drafter/drafter.ts'
import { LIMITS } from '../../../shared/protocol/limits.ts'
import { Random } from '../../support/random.ts'
import { TranscriptFile, transcriptKey } from './transcript.ts'

export interface ReplayOptions {
  /** Name under which the Oracle keeps its record. */
  readonly model: string
  readonly transcripts: string
  readonly vocabSize: number
  /** Chance that a token is the target's own. */
  readonly alpha: number
  /** Milliseconds per token. */
  readonly tokenMs: number
  /** Scouts of different seeds spoil different tokens, as other draft models would. */
  readonly seed: number
}

const CONTEXT = 1 << 20

/** Takes the time of a token: of the clock, or, on the Oracle's own core, of its processor. */
type Work = (ms: number) => Promise<void>

/**
 * A draft model of stated quality and speed: it knows what the target will say and spoils each token with a given
 * probability, in every text just as many as that makes. Several requests are drafted side by side without slowing each
 * other, as a batch on a GPU would be.
 */
export function replayDrafter(options: ReplayOptions, work?: Work): Drafter {
  const transcripts = new TranscriptFile(options.transcripts).read()
  return {
    model: options.model,
    tokenizerHash: null,
    vocabSize: options.vocabSize,
    contextLength: CONTEXT,
    capacity: LIMITS.capacity,
    async open(task) {
      const text = transcripts[transcriptKey(task)]
      if (text === undefined) throw new Error(`nothing is known of ${transcriptKey(task)}`)
      return new ReplaySequence(text, task, options, work ?? null)
    },
  }
}

class ReplaySequence implements DraftSequence {
  readonly #text: readonly number[]
  readonly #options: ReplayOptions
  readonly #work: Work | null
  readonly #spoiled: ReadonlySet<number>
  /** When the last token was done: a timer that fires late does not slow the next. */
  #doneAt = 0
  length = 0

  constructor(text: readonly number[], task: DraftTask, options: ReplayOptions, work: Work | null) {
    this.#work = work
    this.#text = text
    this.#options = options
    this.#spoiled = spoiled(text.length, task, options)
  }

  append(tokens: readonly number[]): void {
    this.length += tokens.length
  }

  rollback(length: number): void {
    this.length = Math.min(this.length, length)
  }

  async next(_most: number, signal: AbortSignal): Promise<readonly number[]> {
    const token = this.#text[this.length]
    if (token === undefined) return []
    const { tokenMs } = this.#options
    if (this.#work !== null) {
      await this.#work(tokenMs)
      signal.throwIfAborted()
    } else {
      const now = performance.now()
      this.#doneAt = Math.max(
        now,
        this.#doneAt + tokenMs,
        Math.min(now + tokenMs, this.#doneAt + 2 * tokenMs),
      )
      await pause(this.#doneAt - now, signal)
    }
    const drafted = this.#spoiled.has(this.length) ? (token + 1) % this.#options.vocabSize : token
    this.length++
    return [drafted]
  }

  async close(): Promise<void> {}
}

/**
 * Positions of an answer where the drafter errs, drawn once: whoever drafts one again errs again. How many there are is not
 * left to chance: of 32 tokens at α = 0.6 it would be 13 ± 3, and another α.
 */
function spoiled(end: number, task: DraftTask, { seed, alpha }: ReplayOptions): ReadonlySet<number> {
  const { promptLength, key } = task
  const random = new Random(Math.imul(Math.imul(key.lo ^ key.hi, 0x9e3779b1) ^ seed, 0x85ebca6b))
  const drawn = Array.from({ length: end - promptLength }, (_, i) => ({
    position: promptLength + i,
    order: random.uniform(),
  })).sort((a, b) => a.order - b.order)
  const count = Math.floor((1 - alpha) * drawn.length + random.uniform())
  return new Set(drawn.slice(0, count).map(({ position }) => position))
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const abort = () => {
      clearTimeout(timer)
      reject(signal.reason)
    }
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', abort)
      resolve()
    }, ms)
    if (signal.aborted) abort()
    else signal.addEventListener('abort', abort, { once: true })
  })
}

/** Drafts nothing and remembers what it is told: how transcripts come about. */
export function recordingDrafter(model: string, vocabSize: number, path: string): Drafter {
  const file = new TranscriptFile(path)
  return {
    model,
    tokenizerHash: null,
    vocabSize,
    contextLength: CONTEXT,
    capacity: LIMITS.capacity,
    async open(task) {
      let tokens: number[] = []
      return {
        get length() {
          return tokens.length
        },
        append: (more) => void tokens.push(...more),
        rollback(length) {
          tokens = tokens.slice(0, length)
        },
        next: async () => [],
        async close() {
          file.write({ ...file.read(), [transcriptKey(task)]: tokens })
        },
      }
    },
  }
}
