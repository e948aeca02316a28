import type { KvCacheType } from '../kv-cache-type.ts'
import { storeHead } from './kv-head.ts'

/** Positions allocated at first; doubled when full, so that short chats stay small. */
const FIRST_CAPACITY = 64

export interface KvShape {
  readonly layers: number
  readonly kvHeads: number
  readonly headDim: number
  readonly contextLength: number
}

/**
 * Keys and values of one sequence, per layer [positions × heads × headDim], rounded as the native engine stores them (and
 * held as float32 for speed). Grows to the model's context length at most.
 */
export class KvCache {
  readonly #headDim: number
  readonly #width: number
  readonly #type: KvCacheType
  readonly #context: number
  #capacity = 0
  #keys: Float32Array[]
  #values: Float32Array[]

  constructor({ layers, kvHeads, headDim, contextLength }: KvShape, type: KvCacheType) {
    this.#headDim = headDim
    this.#width = kvHeads * headDim
    this.#type = type
    this.#context = contextLength
    this.#keys = Array.from({ length: layers }, () => new Float32Array(0))
    this.#values = Array.from({ length: layers }, () => new Float32Array(0))
  }

  keys(layer: number): Float32Array {
    return this.#keys[layer]!
  }

  values(layer: number): Float32Array {
    return this.#values[layer]!
  }

  store(layer: number, position: number, key: Float32Array, value: Float32Array): void {
    this.#reserve(position + 1)
    const keys = this.#keys[layer]!
    const values = this.#values[layer]!
    const at = position * this.#width
    for (let i = 0; i < this.#width; i += this.#headDim) {
      storeHead(this.#type, key.subarray(i, i + this.#headDim), keys, at + i)
      storeHead(this.#type, value.subarray(i, i + this.#headDim), values, at + i)
    }
  }

  /** Takes over another's first `length` positions. */
  copyFrom(other: KvCache, length: number): void {
    this.#reserve(length)
    const size = length * this.#width
    for (const [layer, keys] of this.#keys.entries()) keys.set(other.keys(layer).subarray(0, size))
    for (const [layer, values] of this.#values.entries()) values.set(other.values(layer).subarray(0, size))
  }

  #reserve(positions: number): void {
    if (positions <= this.#capacity) return
    let capacity = Math.max(FIRST_CAPACITY, this.#capacity)
    while (capacity < positions) capacity *= 2
    this.#capacity = Math.min(capacity, this.#context)
    const grow = (old: Float32Array) => {
      const grown = new Float32Array(this.#capacity * this.#width)
      grown.set(old)
      return grown
    }
    this.#keys = this.#keys.map(grow)
    this.#values = this.#values.map(grow)
  }
}
