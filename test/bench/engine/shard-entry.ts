import { loadNativeEngine } from '../../../native-host/engine/native-engine.ts'
import type { Engine, SampleRequest, SequenceId } from '../../../shared/engine/engine.ts'
import { GREEDY, type NoiseKey } from '../../../shared/verify/settings.ts'
import { serveEngine } from './serve-engine.ts'
import { type EngineFacts, type LoadOptions, someTokens, type TimedEngine } from './timed-engine.ts'

/** Greedy choices ask it nothing. */
const KEY: NoiseKey = { lo: 0, hi: 0 }

/**
 * Our engine as the Oracle calls it: a pass verifies greedily a base row and drafts beside the logits, which are not copied to
 * JavaScript. The drafts are wrong ones, so one row is sampled, as decoding needs; every row's logits are computed.
 */
class ShardEngine implements TimedEngine {
  readonly facts: EngineFacts
  readonly #engine: Engine
  readonly #sequence: SequenceId
  readonly #vocabulary: number
  #length = 0

  static async load(options: LoadOptions): Promise<ShardEngine> {
    const { model, threads, kernel, context, maxRows } = options
    const start = performance.now()
    const engine = await loadNativeEngine(model, {
      threads,
      maxRows: Math.max(context, maxRows),
      ...(kernel !== undefined && { kernel }),
    })
    const loadMs = performance.now() - start
    return new ShardEngine(engine, await engine.createSequence(), options.vocabulary, loadMs)
  }

  private constructor(engine: Engine, sequence: SequenceId, vocabulary: number, loadMs: number) {
    this.#engine = engine
    this.#sequence = sequence
    this.#vocabulary = vocabulary
    const { kernel, threads } = engine.info
    this.facts = { kernel, threads, loadMs }
  }

  async prompt(count: number): Promise<number> {
    const sequence = this.#sequence
    const tokens = someTokens(count, this.#vocabulary)
    await this.#engine.truncate(sequence, 0)
    const start = performance.now()
    await this.#engine.verify([{ sequence, tokens, drafts: [], sample: this.#sample(count) }])
    this.#length = count
    return performance.now() - start
  }

  async pass(rows: number): Promise<number> {
    const sequence = this.#sequence
    const [base, ...drafts] = someTokens(rows, this.#vocabulary)
    const start = performance.now()
    await this.#engine.verify([{ sequence, tokens: [base!], drafts, sample: this.#sample(this.#length) }])
    const ms = performance.now() - start
    await this.#engine.truncate(sequence, this.#length)
    return ms
  }

  #sample(promptLength: number): SampleRequest {
    return { settings: GREEDY, key: KEY, promptLength, stopTokens: [], maxTokens: 1_000_000, topLogprobs: 0 }
  }
}

serveEngine(ShardEngine.load)
