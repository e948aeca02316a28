import type { Engine, PassItem, SequenceId } from '../../shared/engine/engine.ts'
import { GREEDY } from '../../shared/verify/settings.ts'
import type { PassCost } from '../scheduler/pass-cost.ts'
import type { Clock } from './clock.ts'

export interface MeasureLimits {
  /** Largest pass to measure, in rows. */
  readonly maxRows: number
  /** No further pass begins after so long, in milliseconds. */
  readonly budgetMs: number
  /** Least time of a pass, as the settings have it. */
  readonly paceMs: number
}

/** The first run of a size warms caches and is thrown away. */
const RUNS = 3

/**
 * A few passes of doubling size on a sequence of their own, so that the first request is planned from measured costs.
 * Returns how many passes counted.
 *
 * @throws {EngineError}
 */
export async function measurePasses(
  engine: Engine,
  cost: PassCost,
  clock: Clock,
  { maxRows, budgetMs, paceMs }: MeasureLimits,
): Promise<number> {
  const startedAt = clock.now()
  const most = Math.min(maxRows, engine.info.maxRows, engine.info.model.contextLength - 1)
  const sequence = await engine.createSequence()
  let counted = 0
  try {
    for (let rows = 1; rows <= most; rows *= 2) {
      for (let run = 0; run < RUNS; run++) {
        const began = clock.now()
        if (began - startedAt >= budgetMs) return counted
        await engine.verify([probe(sequence, rows, engine.info.model.vocabSize)])
        const ms = clock.now() - began
        await engine.truncate(sequence, 0)
        // A slow engine is measured by its first run: better than nothing.
        if (run === 0 && ms < budgetMs / 16) continue
        cost.observe(rows, (rows * (rows + 1)) / 2, Math.max(ms, paceMs), true)
        counted++
      }
    }
    return counted
  } finally {
    await engine.releaseSequence(sequence)
  }
}

/** A base row and drafts after it, as in a real pass; which tokens does not matter. */
function probe(sequence: SequenceId, rows: number, vocabSize: number): PassItem {
  const tokens = Array.from({ length: rows }, (_, i) => (i * 7 + 1) % vocabSize)
  return {
    sequence,
    tokens: tokens.slice(0, 1),
    drafts: tokens.slice(1),
    sample: {
      settings: GREEDY,
      key: { lo: 0, hi: 0 },
      promptLength: 1,
      stopTokens: [],
      maxTokens: rows,
      topLogprobs: 0,
    },
  }
}
