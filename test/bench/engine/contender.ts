import type { EngineMemory } from './engine-messages.ts'
import { Samples } from './samples.ts'

/** Why an engine that is measured does not go on, in its own words. */
export class ContenderError extends Error {
  override readonly name = 'ContenderError'
}

export interface ContenderOptions {
  readonly name: string
  /** The types of its model's matrices and head, as its file has them. */
  readonly type: string
  readonly head: string
  readonly threads: number
  /** Of the passes that are measured. */
  readonly rows: readonly number[]
}

/** An engine with a model and a number of threads, that is measured round by round beside others. */
export abstract class Contender {
  readonly name: string
  readonly type: string
  readonly head: string
  readonly threads: number
  /** Milliseconds of a pass, by its rows. */
  readonly passes: ReadonlyMap<number, Samples>
  /** Tokens per second, the head on the last row only. */
  readonly prompt = new Samples()

  constructor({ name, type, head, threads, rows }: ContenderOptions) {
    this.name = name
    this.type = type
    this.head = head
    this.threads = threads
    this.passes = new Map(rows.map((count) => [count, new Samples()]))
  }

  /** @throws {ContenderError} */
  abstract round(onPass: (rows: number) => void): Promise<void>
  /** What is known in the end. */
  abstract describe(): Promise<ContenderFacts>
  abstract end(): Promise<void>
}

export interface ContenderFacts {
  /** null: it does not say. */
  readonly kernel: string | null
  /** Tokens in the sequence before a pass. */
  readonly context: number
  readonly loadMs: number | null
  readonly memory: EngineMemory | null
  readonly fileBytes: number
}
