import { type LlamaContext, loadLlamaAddon } from './llama-cpp-addon.ts'
import { serveEngine } from './serve-engine.ts'
import { type EngineFacts, type LoadOptions, someTokens, type TimedEngine } from './timed-engine.ts'

/** llama.cpp as node-llama-cpp brings it. Rows that ask for logits leave them in its own memory. */
class LlamaCppEngine implements TimedEngine {
  readonly facts: EngineFacts
  readonly #context: LlamaContext
  readonly #vocabulary: number
  #length = 0

  static async load(options: LoadOptions) {
    const { model: path, threads, kernel, context: length, maxRows, vocabulary } = options
    const addon = await loadLlamaAddon(kernel)
    const start = performance.now()
    const model = new addon.AddonModel(path, { gpuLayers: 0, useMmap: true, addonExports: addon })
    if (!(await model.init())) throw new Error(`llama.cpp cannot load ${path}`)
    const size = length + maxRows
    const context = new addon.AddonContext(model, {
      contextSize: size,
      batchSize: size,
      sequences: 1,
      threads,
    })
    if (!(await context.init())) throw new Error(`llama.cpp cannot make a context of ${size}`)
    const loadMs = performance.now() - start
    const kernelFound = instructions(addon.systemInfo())
    return new LlamaCppEngine(context, vocabulary, {
      kernel: kernelFound,
      threads: context.getThreads(),
      loadMs,
    })
  }

  private constructor(context: LlamaContext, vocabulary: number, facts: EngineFacts) {
    this.#context = context
    this.#vocabulary = vocabulary
    this.facts = facts
  }

  async prompt(count: number): Promise<number> {
    this.#context.removeTokenCellsFromSequence(0, 0, -1)
    this.#length = count
    return this.#decode(0, someTokens(count, this.#vocabulary), [count - 1])
  }

  async pass(rows: number): Promise<number> {
    const tokens = someTokens(rows, this.#vocabulary)
    const ms = await this.#decode(this.#length, tokens, [...tokens.keys()])
    this.#context.removeTokenCellsFromSequence(0, this.#length, -1)
    return ms
  }

  async #decode(position: number, tokens: readonly number[], logits: readonly number[]): Promise<number> {
    const start = performance.now()
    this.#context.initBatch(tokens.length)
    this.#context.addToBatch(0, position, Uint32Array.from(tokens), Uint32Array.from(logits))
    await this.#context.decodeBatch()
    return performance.now() - start
  }
}

/** `AVX2 = 1 | AVX512 = 0 | …`: of the wide ones, those that are there. */
function instructions(systemInfo: string): string {
  const found = ['AVX512_VNNI', 'AVX512', 'AVX_VNNI', 'AVX2', 'AVX', 'DOTPROD', 'NEON'].find((name) =>
    new RegExp(`\\b${name} = 1\\b`).test(systemInfo),
  )
  return (found ?? 'portable').toLowerCase()
}

serveEngine(LlamaCppEngine.load)
