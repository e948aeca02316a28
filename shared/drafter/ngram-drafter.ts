import type { Drafter, DraftSequence } from './drafter.ts'

/** Longest and shortest run of tokens looked up: longer ones mislead less, shorter ones are found more often. */
const LONGEST = 4
const SHORTEST = 2
/** Most sequences: a list of tokens each. */
const CAPACITY = 64
/** Positions whose index entries can be taken back; a rollback past them (none in drafting) indexes anew. */
const UNDO_POSITIONS = 512

/**
 * Prompt lookup: finds the last tokens earlier in the text and drafts what followed them there. Costs no model; helps
 * where text repeats itself (quotes, code, lists). An honest baseline beside draft models.
 */
export class NgramDrafter implements Drafter {
  readonly model = 'ngram'
  readonly tokenizerHash = null
  readonly capacity = CAPACITY
  readonly vocabSize: number
  readonly contextLength: number

  constructor(vocabSize: number, contextLength: number) {
    this.vocabSize = vocabSize
    this.contextLength = contextLength
  }

  async open(): Promise<DraftSequence> {
    return new NgramSequence()
  }
}

class NgramSequence implements DraftSequence {
  readonly #tokens: number[] = []
  /** n-gram (as text) → position after its last occurrence. */
  readonly #after = new Map<string, number>()
  /** Tokens whose n-grams are in the map. An n-gram goes in when a token follows it. */
  #indexed = 0
  /** What the last indexed positions put into the map, and what had been there. */
  #undo: { readonly gram: string; readonly before: number | undefined }[][] = []

  get length(): number {
    return this.#tokens.length
  }

  append(tokens: readonly number[]): void {
    for (const token of tokens) this.#tokens.push(token)
  }

  rollback(length: number): void {
    if (length >= this.#tokens.length) return
    this.#tokens.length = length
    while (this.#indexed > length) {
      const entries = this.#undo.pop()
      if (!entries) {
        this.#after.clear()
        this.#indexed = 0
        return
      }
      for (const { gram, before } of entries.reverse()) {
        if (before === undefined) this.#after.delete(gram)
        else this.#after.set(gram, before)
      }
      this.#indexed--
    }
  }

  async next(most: number, signal: AbortSignal): Promise<readonly number[]> {
    signal.throwIfAborted()
    this.#index()
    for (let n = LONGEST; n >= SHORTEST; n--) {
      const at = this.#after.get(this.#gram(this.#tokens.length, n))
      if (at === undefined) continue
      const found = this.#tokens.slice(at, at + most)
      this.append(found)
      return found
    }
    return []
  }

  async close(): Promise<void> {
    this.#tokens.length = 0
    this.#after.clear()
    this.#undo = []
  }

  #index(): void {
    for (; this.#indexed < this.#tokens.length; this.#indexed++) {
      const entries = []
      for (let n = SHORTEST; n <= Math.min(LONGEST, this.#indexed); n++) {
        const gram = this.#gram(this.#indexed, n)
        entries.push({ gram, before: this.#after.get(gram) })
        this.#after.set(gram, this.#indexed)
      }
      this.#undo.push(entries)
      if (this.#undo.length > UNDO_POSITIONS) this.#undo.shift()
    }
  }

  /** The n tokens before `end`. */
  #gram(end: number, n: number): string {
    return this.#tokens.slice(Math.max(0, end - n), end).join()
  }
}
