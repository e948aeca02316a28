import type { SamplingSettings } from './settings.ts'

/** The tokens before a row, counted as the penalties need them. Grows with the distinct tokens of one context. */
export class TokenHistory {
  readonly #promptLength: number
  readonly #seen = new Set<number>()
  readonly #generated = new Map<number, number>()
  #length = 0

  constructor(promptLength: number) {
    this.#promptLength = promptLength
  }

  get length(): number {
    return this.#length
  }

  /** Appends the token at position `length`: from `promptLength` on it counts as generated. */
  push(token: number): void {
    this.#seen.add(token)
    if (this.#length >= this.#promptLength) {
      this.#generated.set(token, (this.#generated.get(token) ?? 0) + 1)
    }
    this.#length++
  }

  /** Distinct tokens of prompt and output. */
  get seen(): Iterable<number> {
    return this.#seen
  }

  /** Distinct generated tokens and how often each occurs. */
  get generated(): Iterable<readonly [id: number, count: number]> {
    return this.#generated
  }
}

/** Whether `penalise` can change a logit at all; when not, no history need be kept. */
export function changesLogits(settings: SamplingSettings): boolean {
  return needsHistory(settings) || settings.logitBias.length > 0
}

export function needsHistory(settings: SamplingSettings): boolean {
  return settings.repetitionPenalty !== 1 || settings.frequencyPenalty !== 0 || settings.presencePenalty !== 0
}

/**
 * Logits of one row [vocabulary], float64, after repetition, frequency and presence penalty and logit bias, in this order.
 * Bias for ids outside the vocabulary has no effect.
 */
export function penalise(
  logits: Float32Array,
  settings: SamplingSettings,
  history: TokenHistory,
): Float64Array {
  const out = Float64Array.from(logits)
  const { repetitionPenalty, frequencyPenalty, presencePenalty } = settings
  if (repetitionPenalty !== 1) {
    for (const id of history.seen) {
      const logit = out[id]!
      out[id] = logit > 0 ? logit / repetitionPenalty : logit * repetitionPenalty
    }
  }
  if (frequencyPenalty !== 0 || presencePenalty !== 0) {
    for (const [id, count] of history.generated) {
      out[id] = out[id]! - (frequencyPenalty * count + presencePenalty)
    }
  }
  for (const [id, bias] of settings.logitBias) {
    if (id < out.length) out[id] = out[id]! + bias
  }
  return out
}
