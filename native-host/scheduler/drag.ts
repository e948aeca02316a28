import { loadSize } from './load.ts'

/** Passes that count. */
const MEMORY = 32

/** What is known of a pass with drafters. */
export interface DraggedPass {
  readonly requests: number
  /** What it took. */
  readonly ms: number
  /** What the requests' own rows take while nobody drafts; null: not known. */
  readonly calmMs: number | null
  /** By how much draft rows made it longer. */
  readonly rowsMs: number
}

/**
 * What passes take longer while somebody drafts, beside the drafts' rows: processor that drafters and frames use. As a share
 * of the pass, by the number of requests. From all passes: those without drafts come just after a rejection, when drafters
 * are busiest.
 */
export class Drag {
  readonly #shares = new Map<number, { passes: number; share: number }>()

  observe({ requests, ms, calmMs, rowsMs }: DraggedPass): void {
    if (calmMs === null) return
    const size = loadSize(requests)
    const known = this.#shares.get(size) ?? { passes: 0, share: 0 }
    this.#shares.set(size, known)
    known.passes++
    // Not bounded by 0 before it is averaged: else the mere scatter of passes would look like drag.
    known.share += ((ms - calmMs - rowsMs) / ms - known.share) / Math.min(known.passes, MEMORY)
  }

  /** Share of a pass; 0 while nothing is known. */
  of(requests: number): number {
    return Math.max(0, this.#shares.get(loadSize(requests))?.share ?? 0)
  }
}
