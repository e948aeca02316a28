import { walk } from '../../verify/walk.ts'
import type { ActivationScales } from '../architecture.ts'
import { checkForward, checkPrefix, checkVerify } from '../batch-check.ts'
import type {
  Engine,
  EngineInfo,
  EngineOptions,
  ForwardItem,
  PassItem,
  PassResult,
  SequenceId,
} from '../engine.ts'
import { EngineError } from '../engine-error.ts'
import { parseGguf } from '../gguf.ts'
import type { KvCacheType } from '../kv-cache-type.ts'
import { modelInfo, readModelConfig } from '../model-config.ts'
import { SerialQueue, throwIfAborted } from '../serial-queue.ts'
import { hashGgufTokenizer } from '../tokenizer-hash.ts'
import { Graph } from './graph.ts'
import { KvCache } from './kv-cache.ts'
import { readWeights } from './weights.ts'

export interface ReferenceEngineOptions {
  /** Sequences open at once. */
  readonly maxSequences?: number
  /** Rows in one pass. */
  readonly maxRows?: number
  /** Instead of the architecture's usual choice. */
  readonly activationScales?: ActivationScales
  /** Default f16. */
  readonly kvCache?: KvCacheType
}

/** Enough for a few conversations and their drafts; a sequence's KV cache takes memory only as it fills. */
const DEFAULT_MAX_SEQUENCES = 16
/** A prompt's chunk; a pass is as slow as its rows are many, for this engine runs them one by one. */
const DEFAULT_MAX_ROWS = 512
/** After this long without a pause the event loop gets its turn: heartbeats and aborts must get through. */
const SLICE_MS = 20

interface Sequence {
  readonly cache: KvCache
  tokens: number[]
}

/**
 * Loads a GGUF file from memory; the bytes may be dropped afterwards.
 * @throws {EngineError} GGUF_TRUNCATED, GGUF_INVALID, GGUF_UNSUPPORTED, OUT_OF_MEMORY
 */
export async function loadReferenceEngine(
  bytes: Uint8Array,
  options: ReferenceEngineOptions = {},
): Promise<Engine> {
  const gguf = parseGguf(bytes)
  const config = readModelConfig(gguf, options.activationScales)
  const weights = readWeights(gguf, config)
  const info: EngineInfo = {
    kind: 'reference',
    kernel: 'typescript',
    threads: 1,
    model: modelInfo(config),
    tokenizerHash: await hashGgufTokenizer(gguf),
    maxSequences: options.maxSequences ?? DEFAULT_MAX_SEQUENCES,
    maxRows: options.maxRows ?? DEFAULT_MAX_ROWS,
    kvCache: options.kvCache ?? 'f16',
  }
  return new ReferenceEngine(info, new Graph(config, weights))
}

/** The engine in TypeScript: one row after the other, readable first; every other engine is compared with it. */
class ReferenceEngine implements Engine {
  readonly info: EngineInfo
  #graph: Graph | null
  readonly #sequences = new Map<SequenceId, Sequence>()
  readonly #queue = new SerialQueue()
  #nextId = 1
  #sliceEnd = 0

  constructor(info: EngineInfo, graph: Graph) {
    this.info = info
    this.#graph = graph
  }

  createSequence(): Promise<SequenceId> {
    return this.#run(() => {
      if (this.#sequences.size >= this.info.maxSequences) {
        throw new EngineError(
          'SEQUENCE_LIMIT',
          `${this.info.maxSequences} sequences are open: release one first`,
        )
      }
      const id = this.#nextId++
      this.#sequences.set(id, { cache: new KvCache(this.info.model, this.info.kvCache), tokens: [] })
      return id
    })
  }

  releaseSequence(sequence: SequenceId): Promise<void> {
    return this.#run(() => {
      this.#sequence(sequence)
      this.#sequences.delete(sequence)
    })
  }

  truncate(sequence: SequenceId, length: number): Promise<void> {
    return this.#run(() => {
      const { tokens } = this.#sequence(sequence)
      checkPrefix(length, tokens.length)
      tokens.length = length
    })
  }

  copyPrefix(from: SequenceId, to: SequenceId, length: number): Promise<void> {
    return this.#run(() => {
      const source = this.#sequence(from)
      const target = this.#sequence(to)
      checkPrefix(length, source.tokens.length)
      if (source !== target) target.cache.copyFrom(source.cache, length)
      target.tokens = source.tokens.slice(0, length)
    })
  }

  forward(items: readonly ForwardItem[], options: EngineOptions = {}): Promise<Float32Array[]> {
    return this.#pass(items, options, async () => {
      checkForward(items, this.info, (id) => this.#sequence(id).tokens.length)
      const { vocabSize } = this.info.model
      const out: Float32Array[] = []
      for (const { sequence, tokens, logits } of items) {
        const first = logits === 'all' ? 0 : logits === 'last' ? tokens.length - 1 : tokens.length
        const rows = new Float32Array((tokens.length - first) * vocabSize)
        for (const [i, token] of tokens.entries()) {
          await this.#breathe(options.signal)
          const row =
            i < first ? undefined : rows.subarray((i - first) * vocabSize, (i - first + 1) * vocabSize)
          this.#step(sequence, token, row)
        }
        out.push(rows)
      }
      return out
    })
  }

  verify(items: readonly PassItem[], options: EngineOptions = {}): Promise<PassResult[]> {
    return this.#pass(items, options, async () => {
      checkVerify(items, this.info, (id) => this.#sequence(id).tokens.length)
      const logits = new Float32Array(this.info.model.vocabSize)
      const out: PassResult[] = []
      for (const { sequence, tokens, drafts, sample } of items) {
        for (const [i, token] of tokens.entries()) {
          await this.#breathe(options.signal)
          this.#step(sequence, token, sample && i === tokens.length - 1 ? logits : undefined)
        }
        if (sample === undefined) {
          out.push({ emitted: [] })
          continue
        }
        // A draft's row is computed only when the walk reaches it: here, unlike in a batch, it is not free.
        const row = (index: number) => {
          if (index > 0) this.#step(sequence, drafts[index - 1]!, logits)
          return logits
        }
        const known = [...this.#sequence(sequence).tokens]
        const emitted = walk(row, known, drafts, sample)
        this.#sequence(sequence).tokens.length = known.length + emitted.length - 1
        out.push({ emitted })
      }
      return out
    })
  }

  unload(): Promise<void> {
    return this.#run(() => {
      this.#graph = null
      this.#sequences.clear()
    })
  }

  #run<T>(task: () => T | Promise<T>, signal?: AbortSignal): Promise<T> {
    return this.#queue.run(() => {
      if (this.#graph === null) throw new EngineError('UNLOADED', 'the engine was unloaded')
      return task()
    }, signal)
  }

  /** A pass that fails half-way leaves every sequence as it was. */
  #pass<T>(
    items: readonly { readonly sequence: SequenceId }[],
    { signal }: EngineOptions,
    task: () => Promise<T>,
  ): Promise<T> {
    return this.#run(async () => {
      const before = items.map(({ sequence }) => this.#sequence(sequence).tokens.length)
      this.#sliceEnd = performance.now() + SLICE_MS
      try {
        return await task()
      } catch (error) {
        for (const [i, { sequence }] of items.entries()) this.#sequence(sequence).tokens.length = before[i]!
        throw error
      }
    }, signal)
  }

  #step(sequence: SequenceId, token: number, logits?: Float32Array): void {
    const { cache, tokens } = this.#sequence(sequence)
    this.#graph!.step(token, tokens.length, cache, logits)
    tokens.push(token)
  }

  async #breathe(signal?: AbortSignal): Promise<void> {
    if (performance.now() >= this.#sliceEnd) {
      await new Promise((resolve) => setTimeout(resolve))
      this.#sliceEnd = performance.now() + SLICE_MS
    }
    throwIfAborted(signal)
  }

  #sequence(id: SequenceId): Sequence {
    const sequence = this.#sequences.get(id)
    if (sequence === undefined) throw new EngineError('SEQUENCE_UNKNOWN', `there is no sequence ${id}`)
    return sequence
  }
}
