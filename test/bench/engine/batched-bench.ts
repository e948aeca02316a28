import { spawn } from 'node:child_process'
import { stat } from 'node:fs/promises'
import { Contender, ContenderError, type ContenderFacts, type ContenderOptions } from './contender.ts'

/** Passes whose mean is one sample. */
const PASSES = 4

export interface BatchedBenchOptions extends ContenderOptions {
  /** llama-batched-bench of some build of llama.cpp or what has come of it. */
  readonly program: string
  readonly model: string
  readonly extraArguments: readonly string[]
  readonly context: number
}

/**
 * A build of llama.cpp, or of what has come of it, through its own `llama-batched-bench`: a prompt that K sequences share, then
 * passes with one row for each of them, all with logits. K sequences of one row cost it what one sequence of K rows does.
 */
export class BatchedBench extends Contender {
  readonly #options: BatchedBenchOptions

  constructor(options: BatchedBenchOptions) {
    super(options)
    this.#options = options
  }

  async round(onPass: (rows: number) => void): Promise<void> {
    const { program, model, threads, rows, context, extraArguments } = this.#options
    onPass(Math.max(...rows))
    const args = [
      ...[
        '-m',
        model,
        '-t',
        String(threads),
        '-tb',
        String(threads),
        '-c',
        String(Math.max(...rows) * (context + PASSES)),
      ],
      ...[
        '-b',
        '512',
        '-ub',
        '512',
        '-npp',
        String(context),
        '-ntg',
        String(PASSES),
        '-npl',
        rows.join(','),
        '-pps',
      ],
      ...extraArguments,
    ]
    const { code, output } = await run(program, args)
    const cells = parseBatchedBench(output)
    const missing = rows.filter((count) => !cells.some((cell) => cell.rows === count))
    if (code !== 0 || missing.length > 0) {
      const end = output.trim().split('\n').slice(-5).join('\n')
      throw new ContenderError(
        `${this.name}: ${program} ended with ${code}, without K = ${missing.join(', ')}:\n${end}`,
      )
    }
    for (const cell of cells) {
      this.passes.get(cell.rows)?.add(cell.passMs)
      this.prompt.add(cell.promptRate)
    }
  }

  async describe(): Promise<ContenderFacts> {
    const { context, model } = this.#options
    return { kernel: null, context, loadMs: null, memory: null, fileBytes: (await stat(model)).size }
  }

  async end(): Promise<void> {}
}

export interface BatchedBenchCell {
  readonly rows: number
  readonly passMs: number
  /** Tokens per second. */
  readonly promptRate: number
}

/** Its table's lines: | PP | TG | B | N_KV | T_PP s | S_PP t/s | T_TG s | S_TG t/s | T s | S t/s | */
export function parseBatchedBench(output: string): BatchedBenchCell[] {
  return output.split('\n').flatMap((line) => {
    const cells = line.trim().split('|').slice(1, -1).map(Number)
    if (cells.length !== 10 || cells.some(Number.isNaN)) return []
    const [, passes, rows, , , promptRate, seconds] = cells as number[]
    return [{ rows: rows!, passMs: (seconds! * 1000) / passes!, promptRate: promptRate! }]
  })
}

/** Both outputs together: builds differ in where the table goes. */
function run(program: string, args: readonly string[]): Promise<{ code: number | null; output: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] })
    let [stdout, stderr] = ['', '']
    child.stdout.on('data', (chunk) => {
      stdout += chunk
    })
    child.stderr.on('data', (chunk) => {
      stderr += chunk
    })
    child.on('error', (cause) =>
      reject(new ContenderError(`${program} does not run: ${cause.message}`, { cause })),
    )
    child.on('close', (code) => resolve({ code, output: `${stderr}\n${stdout}` }))
  })
}
