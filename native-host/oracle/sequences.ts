import type { Engine, SequenceId } from '../../shared/engine/engine.ts'
import { EngineError } from '../../shared/engine/engine-error.ts'
import { commonPrefix, PrefixCache } from './prefix-cache.ts'

/** A sequence opened for a request: its KV cache holds the first `length` of the tokens asked for. */
export interface OpenSequence {
  readonly sequence: SequenceId
  readonly length: number
}

/** A sequence in use by another request whose prefix may be copied. */
export interface SharedSequence {
  readonly sequence: SequenceId
  /** What its KV cache holds. */
  readonly tokens: readonly number[]
}

/** A kept sequence that continues for so many tokens past the common prefix is copied, not cut: its own chat may go on. */
const KEEP_TAIL = 16

/** Opens and closes the engine's sequences, reusing the longest prefix that any of them holds. */
export class Sequences {
  readonly #engine: Engine
  readonly #cache: PrefixCache

  constructor(engine: Engine, cachedSequences: number, slots: number) {
    this.#engine = engine
    this.#cache = new PrefixCache(Math.max(0, Math.min(cachedSequences, engine.info.maxSequences - slots)))
  }

  /**
   * Opens a sequence for `tokens` with as much of them cached as can be found, but for the last one: its row must be
   * computed, for its logits decide what follows. @throws {EngineError}
   */
  async open(tokens: readonly number[], running: readonly SharedSequence[]): Promise<OpenSequence> {
    const most = tokens.length - 1
    const kept = this.#cache.find(tokens)
    const keptLength = Math.min(kept?.length ?? 0, most)
    const shared = longest(tokens, running)
    const sharedLength = Math.min(shared?.length ?? 0, most)
    if (shared !== null && sharedLength > keptLength) {
      const sequence = await this.#copy(shared.sequence, sharedLength)
      return { sequence, length: sharedLength }
    }
    if (kept === null || keptLength === 0) return { sequence: await this.#create(), length: 0 }
    const { entry } = kept
    if (entry.tokens.length - keptLength > KEEP_TAIL) {
      // Out of the cache while room is made, so that it is not evicted itself.
      this.#cache.take(entry)
      try {
        const sequence = await this.#copy(entry.sequence, keptLength)
        return { sequence, length: keptLength }
      } finally {
        this.#cache.touch(entry)
      }
    }
    this.#cache.take(entry)
    await this.#engine.truncate(entry.sequence, keptLength)
    return { sequence: entry.sequence, length: keptLength }
  }

  /** Workers that drafted for the kept sequence with which these tokens begin. */
  helpers(tokens: readonly number[]): readonly string[] {
    return this.#cache.find(tokens)?.entry.workers ?? []
  }

  /** Keeps a finished request's sequence, whose KV cache holds exactly `tokens`. @throws {EngineError} */
  async keep(sequence: SequenceId, tokens: readonly number[], workers: readonly string[]): Promise<void> {
    if (tokens.length === 0) return this.#engine.releaseSequence(sequence)
    for (const gone of this.#cache.add({ sequence, tokens, workers })) {
      await this.#engine.releaseSequence(gone.sequence)
    }
  }

  /** The engine was lost, and every sequence with it. */
  forget(): void {
    this.#cache.clear()
  }

  /** Releases what is kept, as far as the engine is there. */
  async close(): Promise<void> {
    for (const { sequence } of this.#cache.clear())
      await this.#engine.releaseSequence(sequence).catch(() => {})
  }

  async #copy(from: SequenceId, length: number): Promise<SequenceId> {
    const sequence = await this.#create()
    try {
      await this.#engine.copyPrefix(from, sequence, length)
      return sequence
    } catch (error) {
      await this.#engine.releaseSequence(sequence).catch(() => {})
      throw error
    }
  }

  async #create(): Promise<SequenceId> {
    for (;;) {
      try {
        return await this.#engine.createSequence()
      } catch (error) {
        const full =
          error instanceof EngineError && (error.code === 'SEQUENCE_LIMIT' || error.code === 'OUT_OF_MEMORY')
        const victim = full ? this.#cache.evict() : null
        if (victim === null) throw error
        await this.#engine.releaseSequence(victim.sequence)
      }
    }
  }
}

function longest(
  tokens: readonly number[],
  running: readonly SharedSequence[],
): { readonly sequence: SequenceId; readonly length: number } | null {
  let best: { readonly sequence: SequenceId; readonly length: number } | null = null
  for (const { sequence, tokens: held } of running) {
    const length = commonPrefix(held, tokens)
    if (length > (best?.length ?? 0)) best = { sequence, length }
  }
  return best
}
