/** Mean of the prior when nothing is known: small drafts of the same family agree in somewhat more than half. */
const PRIOR_MEAN = 0.6
/** Tested tokens that the prior is worth. */
const PRIOR_STRENGTH = 4
/** Weight that an observation keeps per later one: about the last hundred count. */
const MEMORY = 0.99
/** Never certain either way: a zero would end drafting for good, a one would outweigh every cost. */
const MIN = 0.01
const MAX = 0.995

/**
 * Chance that a worker's next token is right, given that all before it were: a Beta posterior with forgetting.
 * Fed from tokens that had come before their position was decided, right and wrong alike, so that a worker cannot raise it
 * by repeating what it was told, nor lower it by being far away.
 */
export class Acceptance {
  readonly #priorMean: number
  readonly #priorStrength: number
  #hits = 0
  #misses = 0

  constructor(priorMean = PRIOR_MEAN, priorStrength = PRIOR_STRENGTH) {
    this.#priorMean = clamp(priorMean)
    this.#priorStrength = priorStrength
  }

  observe(hits: number, misses: number): void {
    const keep = MEMORY ** (hits + misses)
    this.#hits = this.#hits * keep + hits
    this.#misses = this.#misses * keep + misses
  }

  /** Posterior mean. */
  get alpha(): number {
    return clamp(this.#posterior.mean)
  }

  /** One standard deviation below the mean: for ranking workers. */
  get lower(): number {
    const { mean, deviation } = this.#posterior
    return clamp(mean - deviation)
  }

  /** One standard deviation above the mean: for telling that a worker is not good enough. */
  get upper(): number {
    const { mean, deviation } = this.#posterior
    return clamp(mean + deviation)
  }

  get #posterior(): { readonly mean: number; readonly deviation: number } {
    const a = this.#priorMean * this.#priorStrength + this.#hits
    const b = (1 - this.#priorMean) * this.#priorStrength + this.#misses
    const n = a + b
    return { mean: a / n, deviation: Math.sqrt((a * b) / (n * n * (n + 1))) }
  }
}

function clamp(p: number): number {
  return Math.min(MAX, Math.max(MIN, p))
}
