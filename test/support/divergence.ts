function logSoftmax(logits: Float32Array): Float64Array {
  const most = logits.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY)
  const total = logits.reduce((sum, logit) => sum + Math.exp(logit - most), 0)
  return Float64Array.from(logits, (logit) => logit - most - Math.log(total))
}

/** Kullback-Leibler divergence Σ p · ln(p / q) of two rows of logits, in nats. */
export function divergence(p: Float32Array, q: Float32Array): number {
  const [a, b] = [logSoftmax(p), logSoftmax(q)]
  return a.reduce((sum, logP, i) => sum + Math.exp(logP) * (logP - b[i]!), 0)
}

/** −ln of the probability that a row of logits gives a token, in nats. */
export function surprise(logits: Float32Array, token: number): number {
  return -logSoftmax(logits)[token]!
}
