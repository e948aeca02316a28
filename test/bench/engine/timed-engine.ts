/** An engine with one sequence, whose passes are timed; it runs in a process of its own. */
export interface TimedEngine {
  readonly facts: EngineFacts
  /** Makes the sequence hold so many tokens and no others, in one pass that asks for the last row's logits. @returns ms */
  prompt(tokens: number): Promise<number>
  /** One pass over `rows` rows after the prompt, with logits for all; the sequence is then as before. @returns ms */
  pass(rows: number): Promise<number>
}

export interface EngineFacts {
  /** What of it runs here: a kernel set, or the instructions that it found. */
  readonly kernel: string
  readonly threads: number
  readonly loadMs: number
}

export interface LoadOptions {
  readonly model: string
  readonly threads: number
  /** `avx2` and the like, where the best is not wanted. */
  readonly kernel?: string
  readonly vocabulary: number
  readonly context: number
  /** Rows of the largest pass. */
  readonly maxRows: number
}

/** Some tokens: any do, but not all the same. */
export function someTokens(count: number, vocabulary: number): number[] {
  return Array.from({ length: count }, (_, i) => (i * 7919 + 17) % (vocabulary - 1))
}
