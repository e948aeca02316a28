/**
 * Sampling settings in the order in which they apply: penalties and logit bias, temperature, top-k, top-p, min-p.
 * All arithmetic in float64; each filter renormalises; equal probabilities sort by lowest id.
 */
export interface SamplingSettings {
  /** 0 = greedy (argmax, ties to the lowest id); > 0 = coupled noise. */
  readonly temperature: number
  /** Keep the k likeliest; 0 = off. */
  readonly topK: number
  /** Keep the smallest set of likeliest tokens whose probability reaches p, at least one; 1 = off. */
  readonly topP: number
  /** Keep tokens with probability ≥ minP × the likeliest's; 0 = off. */
  readonly minP: number
  /** Divides positive and multiplies negative logits of tokens seen in prompt or output; 1 = off. */
  readonly repetitionPenalty: number
  /** Subtracted per occurrence in the output; 0 = off. */
  readonly frequencyPenalty: number
  /** Subtracted once for tokens seen in the output; 0 = off. */
  readonly presencePenalty: number
  /** Added to logits, after the penalties: (token id, bias). */
  readonly logitBias: readonly (readonly [id: number, bias: number])[]
}

export const GREEDY: SamplingSettings = {
  temperature: 0,
  topK: 0,
  topP: 1,
  minP: 0,
  repetitionPenalty: 1,
  frequencyPenalty: 0,
  presencePenalty: 0,
  logitBias: [],
}

/** A Threefry-2x32 key: two unsigned 32-bit words; the API's seed as int64 two's complement, low word first. */
export interface NoiseKey {
  readonly lo: number
  readonly hi: number
}
