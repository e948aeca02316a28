import { roundToHalf } from '../float16.ts'
import type { ModelConfig } from '../model-config.ts'
import { type Rotation, rotationOf } from '../rope.ts'
import type { KvCache } from './kv-cache.ts'
import type { Layer, Weights } from './weights.ts'

/** Working memory of one row; letters as in weights.ts. */
interface State {
  readonly x: Float32Array // [D] the residual stream
  readonly normed: Float32Array // [D]
  readonly q: Float32Array // [H·C]
  readonly k: Float32Array // [K·C]
  readonly v: Float32Array // [K·C]
  readonly attended: Float32Array // [H·C]
  readonly gate: Float32Array // [F]
  readonly up: Float32Array // [F]
  readonly projected: Float32Array // [D]
  readonly cos: Float32Array // [C / 2]
  readonly sin: Float32Array // [C / 2]
  readonly scores: Float32Array // [context]
}

/**
 * A transformer as BitNet b1.58, Llama and Qwen3 are (where they differ, architecture.ts says), one token at a time: ternary
 * weights, int8 activations, RMSNorm, rotary positions, grouped-query attention, a gated feed-forward. The readable
 * definition of what every engine computes. Sums run in float64, values are stored in float32.
 */
export class Graph {
  readonly #config: ModelConfig
  readonly #weights: Weights
  readonly #state: State
  readonly #rotation: Rotation

  constructor(config: ModelConfig, weights: Weights) {
    this.#config = config
    this.#weights = weights
    const { embedding, feedForward, heads, kvHeads, headDim, contextLength } = config
    this.#rotation = rotationOf(config.rope, headDim, weights.ropeFactors)
    this.#state = {
      x: new Float32Array(embedding),
      normed: new Float32Array(embedding),
      q: new Float32Array(heads * headDim),
      k: new Float32Array(kvHeads * headDim),
      v: new Float32Array(kvHeads * headDim),
      attended: new Float32Array(heads * headDim),
      gate: new Float32Array(feedForward),
      up: new Float32Array(feedForward),
      projected: new Float32Array(embedding),
      cos: new Float32Array(headDim / 2),
      sin: new Float32Array(headDim / 2),
      scores: new Float32Array(contextLength),
    }
  }

  /** Runs `token` at `position` and stores its keys and values; `logits` [V] is written when given. */
  step(token: number, position: number, cache: KvCache, logits?: Float32Array): void {
    const { x } = this.#state
    this.#rotationAt(position)
    this.#weights.embedding.row(token, x)
    for (const [index, layer] of this.#weights.layers.entries()) {
      this.#attention(layer, index, position, cache)
      this.#feedForward(layer)
    }
    if (logits === undefined) return
    const { normed } = this.#state
    rmsNorm(x, this.#weights.outputNorm, this.#config.rmsEpsilon, normed)
    this.#weights.head.multiply(normed, logits)
    makeOrderly(logits)
  }

  /** x += Wo · norm(attend(norm(Wq n), norm(Wk n), Wv n)), n = norm(x); an architecture has some of the inner norms. */
  #attention(layer: Layer, index: number, position: number, cache: KvCache): void {
    const { rmsEpsilon } = this.#config
    const { x, normed, q, k, v, attended, projected } = this.#state
    rmsNorm(x, layer.attnNorm, rmsEpsilon, normed)
    layer.attnQ.multiply(normed, q)
    layer.attnK.multiply(normed, k)
    layer.attnV.multiply(normed, v)
    if (layer.attnQNorm !== null) normEach(q, layer.attnQNorm, rmsEpsilon)
    if (layer.attnKNorm !== null) normEach(k, layer.attnKNorm, rmsEpsilon)
    this.#rotate(q)
    this.#rotate(k)
    cache.store(index, position, k, v)
    for (let i = 0; i < q.length; i++) q[i] = roundToHalf(q[i]!)
    for (let head = 0; head < this.#config.heads; head++) {
      this.#attend(head, position, cache.keys(index), cache.values(index))
    }
    if (layer.attnSubNorm !== null) rmsNorm(attended, layer.attnSubNorm, rmsEpsilon, attended)
    layer.attnOutput.multiply(attended, projected)
    add(x, projected)
  }

  /** x += Wdown · norm(activation(Wgate n) ⊙ Wup n), n = norm(x); the inner norm where there is one. */
  #feedForward(layer: Layer): void {
    const { rmsEpsilon, graph } = this.#config
    const { x, normed, gate, up, projected } = this.#state
    rmsNorm(x, layer.ffnNorm, rmsEpsilon, normed)
    layer.ffnGate.multiply(normed, gate)
    layer.ffnUp.multiply(normed, up)
    for (let i = 0; i < gate.length; i++) {
      const g = gate[i]!
      gate[i] = (graph.activation === 'silu' ? g / (1 + Math.exp(-g)) : Math.max(g, 0) ** 2) * up[i]!
    }
    if (layer.ffnSubNorm !== null) rmsNorm(gate, layer.ffnSubNorm, rmsEpsilon, gate)
    layer.ffnDown.multiply(gate, projected)
    add(x, projected)
  }

  /** One query head over positions 0 … position: softmax(q · K / √C) · V. */
  #attend(head: number, position: number, keys: Float32Array, values: Float32Array): void {
    const { heads, kvHeads, headDim } = this.#config
    const { q, scores, attended } = this.#state
    const stride = kvHeads * headDim
    const queryStart = head * headDim
    const keyStart = Math.floor((head * kvHeads) / heads) * headDim
    const scale = 1 / Math.sqrt(headDim)

    let largest = Number.NEGATIVE_INFINITY
    for (let p = 0; p <= position; p++) {
      let sum = 0
      for (let i = 0, at = p * stride + keyStart; i < headDim; i++) sum += q[queryStart + i]! * keys[at + i]!
      scores[p] = sum * scale
      largest = Math.max(largest, scores[p]!)
    }
    let total = 0
    for (let p = 0; p <= position; p++) {
      scores[p] = Math.exp(scores[p]! - largest)
      total += scores[p]!
    }
    const out = attended.subarray(queryStart, queryStart + headDim)
    out.fill(0)
    for (let p = 0; p <= position; p++) {
      const probability = scores[p]! / total
      for (let i = 0, at = p * stride + keyStart; i < headDim; i++) {
        out[i] = out[i]! + probability * values[at + i]!
      }
    }
  }

  #rotationAt(position: number): void {
    const { frequencies, magnitude } = this.#rotation
    const { cos, sin } = this.#state
    for (let i = 0; i < cos.length; i++) {
      const angle = position * frequencies[i]!
      cos[i] = Math.cos(angle) * magnitude
      sin[i] = Math.sin(angle) * magnitude
    }
  }

  /** Turns the pairs of every head in `heads` [n·C]: (i, i + C/2) or (2i, 2i + 1). */
  #rotate(heads: Float32Array): void {
    const { cos, sin } = this.#state
    const half = cos.length
    const [stride, apart] = this.#config.graph.ropePairs === 'halves' ? [1, half] : [2, 1]
    for (let start = 0; start < heads.length; start += 2 * half) {
      for (let i = 0, at = start; i < half; i++, at += stride) {
        const a = heads[at]!
        const b = heads[at + apart]!
        heads[at] = a * cos[i]! - b * sin[i]!
        heads[at + apart] = a * sin[i]! + b * cos[i]!
      }
    }
  }
}

/** out = x / √(mean(x²) + ε) ⊙ gain; `out` may be `x`. */
function rmsNorm(x: Float32Array, gain: Float32Array, epsilon: number, out: Float32Array): void {
  let squares = 0
  for (let i = 0; i < x.length; i++) squares += x[i]! * x[i]!
  const factor = 1 / Math.sqrt(squares / x.length + epsilon)
  for (let i = 0; i < x.length; i++) out[i] = x[i]! * factor * gain[i]!
}

/** Every head of `heads` by itself. */
function normEach(heads: Float32Array, gain: Float32Array, epsilon: number): void {
  for (let start = 0; start < heads.length; start += gain.length) {
    const head = heads.subarray(start, start + gain.length)
    rmsNorm(head, gain, epsilon, head)
  }
}

function add(x: Float32Array, y: Float32Array): void {
  for (let i = 0; i < x.length; i++) x[i] = x[i]! + y[i]!
}

const LARGEST_FLOAT32 = (2 - 2 ** -23) * 2 ** 127

/** A broken model gives NaN or infinities: they become the least and the largest, so that a choice is always defined. */
export function makeOrderly(logits: Float32Array): void {
  let hope = false
  for (let i = 0; i < logits.length; i++) {
    const logit = logits[i]!
    if (!(logit <= LARGEST_FLOAT32)) logits[i] = logit > 0 ? LARGEST_FLOAT32 : Number.NEGATIVE_INFINITY
    hope ||= logits[i]! >= -LARGEST_FLOAT32
  }
  if (!hope) logits.fill(0)
}
