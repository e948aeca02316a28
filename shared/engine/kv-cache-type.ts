/** What keys and values are kept as: f16, or int8 with one f16 scale for each head and position. */
export const KV_CACHE_TYPES = ['f16', 'q8'] as const

export type KvCacheType = (typeof KV_CACHE_TYPES)[number]

/** Bytes of one head's keys (or values) of `dimensions` at one position. */
export function kvHeadBytes(type: KvCacheType, dimensions: number): number {
  return type === 'f16' ? 2 * dimensions : dimensions + 2
}
