/** Bytes from `start` to before `end`. */
export interface ByteRange {
  readonly start: number
  readonly end: number
}

/** Which bytes of a file are there: disjoint ranges in order, none touching the next. */
export class RangeSet {
  readonly #ranges: ByteRange[] = []
  #bytes = 0

  constructor(ranges: Iterable<ByteRange> = []) {
    for (const { start, end } of ranges) this.add(start, end)
  }

  /** Bytes within the ranges. */
  get bytes(): number {
    return this.#bytes
  }

  /** The end of the last range. */
  get end(): number {
    return this.#ranges.at(-1)?.end ?? 0
  }

  /** Adds bytes that may have been there. */
  add(start: number, end: number): void {
    if (end <= start) return
    const ranges = this.#ranges
    let first = ranges.length
    while (first > 0 && ranges[first - 1]!.end >= start) first--
    let after = first
    while (after < ranges.length && ranges[after]!.start <= end) after++
    const replaced = ranges.slice(first, after)
    const merged = {
      start: Math.min(start, replaced[0]?.start ?? start),
      end: Math.max(end, replaced.at(-1)?.end ?? end),
    }
    const before = replaced.reduce((sum, range) => sum + range.end - range.start, 0)
    this.#bytes += merged.end - merged.start - before
    ranges.splice(first, replaced.length, merged)
  }

  clear(): void {
    this.#ranges.length = 0
    this.#bytes = 0
  }

  list(): readonly ByteRange[] {
    return [...this.#ranges]
  }

  /** What is missing of the first `size` bytes, in pieces of at most `most`. */
  gaps(size: number, most = Number.POSITIVE_INFINITY): ByteRange[] {
    const gaps: ByteRange[] = []
    let at = 0
    for (const { start, end } of [...this.#ranges, { start: size, end: size }]) {
      const stop = Math.min(start, size)
      for (; at < stop; at = gaps.at(-1)!.end) gaps.push({ start: at, end: Math.min(stop, at + most) })
      at = Math.max(at, end)
    }
    return gaps
  }
}
