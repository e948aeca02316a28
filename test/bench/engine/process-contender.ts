import { stat } from 'node:fs/promises'
import { Contender, type ContenderFacts, type ContenderOptions } from './contender.ts'
import { EngineProcess } from './engine-process.ts'
import type { EngineFacts, LoadOptions } from './timed-engine.ts'

/** A cell is measured so long in a round, and at least once; a pass that takes longer needs no warming up. */
const CELL_MS = 400
const CELL_PASSES = 5
/** Where the prompt would take longer, a shorter one stands for it: passes are then a little faster, to that engine's favour. */
const PROMPT_MS = 20_000
const SHORT_PROMPT = 8

export interface ProcessContenderOptions extends ContenderOptions, LoadOptions {
  /** Its program, a file beside this one. */
  readonly entry: string
}

/** One of the engines that are called directly, in a process of its own. */
export class ProcessContender extends Contender {
  readonly #options: ProcessContenderOptions
  readonly #process: EngineProcess
  readonly #facts: EngineFacts
  #context: number | null = null

  static async start(options: ProcessContenderOptions): Promise<ProcessContender> {
    const { name, entry, type, head, rows, ...load } = options
    const process = new EngineProcess(name, entry)
    try {
      return new ProcessContender(options, process, await process.call('load', load))
    } catch (error) {
      await process.end()
      throw error
    }
  }

  private constructor(options: ProcessContenderOptions, process: EngineProcess, facts: EngineFacts) {
    super(options)
    this.#options = options
    this.#process = process
    this.#facts = facts
  }

  async round(onPass: (rows: number) => void): Promise<void> {
    await this.#fill()
    for (const [rows, samples] of this.passes) {
      onPass(rows)
      const first = await this.#pass(rows)
      if (first > CELL_MS) samples.add(first)
      else {
        const start = performance.now()
        for (let i = 0; i < CELL_PASSES && (i === 0 || performance.now() - start < CELL_MS); i++) {
          samples.add(await this.#pass(rows))
        }
      }
    }
  }

  async #pass(rows: number): Promise<number> {
    return (await this.#process.call('pass', { rows })).ms
  }

  async #fill(): Promise<void> {
    const { context } = this.#options
    if (this.#context === null) {
      const short = Math.min(SHORT_PROMPT, context)
      // The first pass finds the model's pages.
      await this.#prompt(1)
      const rate = await this.#prompt(short)
      const isSlow = (context / rate) * 1000 > PROMPT_MS
      this.#context = isSlow ? short : context
      if (isSlow) this.prompt.add(rate)
    }
    if (this.#context === context) this.prompt.add(await this.#prompt(context))
  }

  /** @returns tokens per second */
  async #prompt(tokens: number): Promise<number> {
    const { ms } = await this.#process.call('prompt', { tokens })
    return (tokens * 1000) / ms
  }

  async describe(): Promise<ContenderFacts> {
    const { kernel, loadMs } = this.#facts
    return {
      ...{ kernel, loadMs, context: this.#context ?? 0 },
      memory: await this.#process.call('memory', null),
      fileBytes: (await stat(this.#options.model)).size,
    }
  }

  end(): Promise<void> {
    return this.#process.end()
  }
}
