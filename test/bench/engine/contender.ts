import type { EngineMemory } from './engine-messages.ts'
import type { Samples } from './samples.ts'

/** Why an engine that is measured does not go on, in its own words. */
export class ContenderError extends Error {
  override readonly name = 'ContenderError'
}

/** An engine with a model and a number of threads, that is measured round by round beside others. */
export interface Contender {
  readonly name: string
  /** The types of its model's matrices and head, as its file has them. */
  readonly type: string
  readonly head: string
  readonly threads: number
  /** Milliseconds of a pass, by its rows. */
  readonly passes: ReadonlyMap<number, Samples>
  /** Tokens per second, the head on the last row only. */
  readonly prompt: Samples
  /** @throws {ContenderError} */
  round(onPass: (rows: number) => void): Promise<void>
  /** What is known in the end. */
  describe(): Promise<ContenderFacts>
  end(): Promise<void>
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
