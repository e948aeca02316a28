import type {
  EmittedToken,
  Engine,
  EngineInfo,
  EngineOptions,
  PassItem,
  PassResult,
  SequenceId,
} from '../../shared/engine/engine.ts'
import { EngineError } from '../../shared/engine/engine-error.ts'
import type { NoiseKey } from '../../shared/verify/settings.ts'

export const TOY_VOCAB = 512
/** Ends a generation, with a chance of one in `TOY_VOCAB` at each token. */
export const TOY_END = 0

/** The toy model: the next token is a hash of everything before it (so one wrong token in a KV cache shows at once) and the key. */
export function toyNext(tokens: readonly number[], key: NoiseKey): number {
  return choose(tokens.reduce(absorb, START), key)
}

/** What the toy model writes alone. */
export function toyText(
  prompt: readonly number[],
  key: NoiseKey,
  maxTokens: number,
  stopTokens: readonly number[] = [TOY_END],
): number[] {
  let state = prompt.reduce(absorb, START)
  const out: number[] = []
  while (out.length < maxTokens) {
    const token = choose(state, key)
    out.push(token)
    if (stopTokens.includes(token)) break
    state = absorb(state, token)
  }
  return out
}

const START = 0x811c9dc5

function absorb(state: number, token: number): number {
  const mixed = Math.imul(state ^ (token + 1), 0x01000193)
  return (mixed ^ (mixed >>> 15)) >>> 0
}

function choose(state: number, key: NoiseKey): number {
  const mixed = Math.imul(absorb(absorb(state, key.lo), key.hi), 0x85ebca6b)
  return ((mixed ^ (mixed >>> 13)) >>> 0) % TOY_VOCAB
}

export interface ToyOptions {
  readonly maxSequences?: number
  readonly maxRows?: number
  readonly contextLength?: number
  /** Takes the time of a pass; called before the work is done. */
  readonly pass?: (rows: number, context: number, items: readonly PassItem[]) => Promise<void>
}

/** An engine that keeps real sequences and refuses every misuse that a real one would. */
export class ToyEngine implements Engine {
  readonly info: EngineInfo
  /** Passes run, rows computed: what tests count. */
  passes = 0
  rows = 0
  widest = 0
  /** While set, everything fails with it. */
  failure: EngineError | null = null
  readonly #pass: NonNullable<ToyOptions['pass']>
  #sequences = new Map<SequenceId, number[]>()
  #nextSequence = 1
  #busy: Promise<unknown> = Promise.resolve()

  constructor({ maxSequences = 16, maxRows = 256, contextLength = 4096, pass }: ToyOptions = {}) {
    this.#pass = pass ?? (async () => {})
    this.info = {
      kind: 'reference',
      kernel: 'toy',
      threads: 1,
      tokenizerHash: 'toy',
      maxSequences,
      maxRows,
      kvCache: 'f16',
      model: {
        name: 'toy',
        architecture: 'hash',
        layers: 0,
        embedding: 0,
        feedForward: 0,
        heads: 0,
        kvHeads: 0,
        headDim: 0,
        vocabSize: TOY_VOCAB,
        contextLength,
        parameters: 0,
        endTokens: [TOY_END],
      },
    }
  }

  get open(): number {
    return this.#sequences.size
  }

  lengthOf(sequence: SequenceId): number {
    return this.#tokens(sequence).length
  }

  /** As a crash does: every sequence is gone, and the next calls work on a fresh engine. */
  crash(): void {
    this.#sequences.clear()
  }

  createSequence(): Promise<SequenceId> {
    return this.#queue(() => {
      if (this.#sequences.size >= this.info.maxSequences)
        throw new EngineError('SEQUENCE_LIMIT', 'toy is full')
      this.#sequences.set(this.#nextSequence, [])
      return this.#nextSequence++
    })
  }

  releaseSequence(sequence: SequenceId): Promise<void> {
    return this.#queue(() => {
      this.#tokens(sequence)
      this.#sequences.delete(sequence)
    })
  }

  truncate(sequence: SequenceId, length: number): Promise<void> {
    return this.#queue(() => {
      const tokens = this.#tokens(sequence)
      if (length < 0 || length > tokens.length)
        throw new EngineError('BATCH_INVALID', `truncate to ${length}`)
      tokens.length = length
    })
  }

  copyPrefix(from: SequenceId, to: SequenceId, length: number): Promise<void> {
    return this.#queue(() => {
      const source = this.#tokens(from)
      this.#tokens(to)
      if (length > source.length) throw new EngineError('BATCH_INVALID', `copy ${length} of ${source.length}`)
      this.#sequences.set(to, source.slice(0, length))
    })
  }

  async forward(): Promise<Float32Array[]> {
    throw new Error('the toy has no logits')
  }

  verify(items: readonly PassItem[], options?: EngineOptions): Promise<PassResult[]> {
    return this.#queue(async () => {
      let rows = 0
      let context = 0
      const seen = new Set<SequenceId>()
      for (const item of items) {
        const held = this.#tokens(item.sequence).length
        const count = item.tokens.length + item.drafts.length
        if (item.tokens.length === 0) throw new EngineError('BATCH_INVALID', 'no tokens')
        if (item.sample === undefined && item.drafts.length > 0)
          throw new EngineError('BATCH_INVALID', 'drafts')
        if (seen.has(item.sequence)) throw new EngineError('BATCH_INVALID', 'twice in a batch')
        if (held + count > this.info.model.contextLength) throw new EngineError('CONTEXT_FULL', 'full')
        for (const token of [...item.tokens, ...item.drafts]) {
          if (!Number.isInteger(token) || token < 0 || token >= TOY_VOCAB) {
            throw new EngineError('BATCH_INVALID', `token ${token}`)
          }
        }
        seen.add(item.sequence)
        rows += count
        context += count * held
      }
      if (items.length === 0 || rows > this.info.maxRows)
        throw new EngineError('BATCH_INVALID', `${rows} rows`)
      await this.#pass(rows, context, items)
      if (options?.signal?.aborted) throw new EngineError('ABORTED', 'aborted')
      if (this.failure !== null) throw this.failure
      this.passes++
      this.rows += rows
      this.widest = Math.max(this.widest, rows)
      return items.map((item) => ({ emitted: this.#walk(item) }))
    })
  }

  async unload(): Promise<void> {
    this.crash()
  }

  #walk({ sequence, tokens, drafts, sample }: PassItem): EmittedToken[] {
    const held = this.#tokens(sequence)
    held.push(...tokens)
    if (sample === undefined) return []
    if (sample.maxTokens < 1 || held.length < sample.promptLength) {
      throw new EngineError('BATCH_INVALID', 'bad sample request')
    }
    const emitted: EmittedToken[] = []
    for (;;) {
      const id = toyNext(held, sample.key)
      const drafted = drafts[emitted.length] === id
      emitted.push({ id, logprob: 0, top: [], drafted })
      if (!drafted || emitted.length >= sample.maxTokens || sample.stopTokens.includes(id)) return emitted
      held.push(id)
    }
  }

  #tokens(sequence: SequenceId): number[] {
    const tokens = this.#sequences.get(sequence)
    if (tokens === undefined) throw new EngineError('SEQUENCE_UNKNOWN', `no sequence ${sequence}`)
    return tokens
  }

  #queue<T>(work: () => T | Promise<T>): Promise<T> {
    const result = this.#busy.then(() => {
      if (this.failure !== null) throw this.failure
      return work()
    })
    this.#busy = result.catch(() => {})
    return result
  }
}
