/**
 * Hands out token ids by falling score, equal scores by rising id, as many as are asked for: a binary heap, so that the
 * first few of a large vocabulary cost little more than one look at each.
 */
export class LikeliestFirst {
  readonly #scores: ArrayLike<number>
  readonly #heap: Int32Array
  #size: number

  /** `scores` by token id; it must not change while this is in use. */
  constructor(scores: ArrayLike<number>) {
    this.#scores = scores
    this.#size = scores.length
    this.#heap = new Int32Array(scores.length)
    for (let id = 0; id < scores.length; id++) this.#heap[id] = id
    for (let node = (this.#size >> 1) - 1; node >= 0; node--) this.#sink(node)
  }

  /** The next id, or −1 when none is left. */
  next(): number {
    if (this.#size === 0) return -1
    const top = this.#heap[0]!
    this.#heap[0] = this.#heap[--this.#size]!
    this.#sink(0)
    return top
  }

  #before(a: number, b: number): boolean {
    const scoreA = this.#scores[a]!
    const scoreB = this.#scores[b]!
    return scoreA > scoreB || (scoreA === scoreB && a < b)
  }

  #sink(start: number): void {
    const heap = this.#heap
    let node = start
    for (;;) {
      let best = node
      const left = 2 * node + 1
      const right = left + 1
      if (left < this.#size && this.#before(heap[left]!, heap[best]!)) best = left
      if (right < this.#size && this.#before(heap[right]!, heap[best]!)) best = right
      if (best === node) return
      const moved = heap[node]!
      heap[node] = heap[best]!
      heap[best] = moved
      node = best
    }
  }
}

/** The id of the largest score, the lowest of equals. @returns −1 for an empty row */
export function argmax(scores: ArrayLike<number>): number {
  let best = -1
  let bestScore = Number.NEGATIVE_INFINITY
  for (let id = 0; id < scores.length; id++) {
    if (scores[id]! > bestScore || best < 0) {
      best = id
      bestScore = scores[id]!
    }
  }
  return best
}
