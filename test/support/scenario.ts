import type { OracleSettings } from '../../native-host/oracle/settings.ts'
import { Draws } from './draws.ts'
import type { Behaviour, SimulatedWorkerOptions } from './simulated-worker.ts'

/** Everything that a scenario consists of; drawn from a seed. */
export interface Scenario {
  readonly seed: number
  readonly settings: Partial<OracleSettings>
  /** Milliseconds of a pass. */
  readonly cost: (rows: number, context: number) => number
  readonly requests: readonly {
    readonly atMs: number
    readonly promptLength: number
    readonly maxTokens: number
    /** Cancelled so long after it began; null = read to the end. */
    readonly cancelMs: number | null
    /** The reader finds a stop in its so manieth token; null = never. */
    readonly stopAt: number | null
    /** Another turn of the same conversation follows. */
    readonly turns: number
    /** Rounds follow each other: `atMs` counts from the end of the one before (and a pause); default 0, the first. */
    readonly round?: number
  }[]
  /** Between two rounds nobody asks for so long. */
  readonly pauseMs?: number
  readonly workers: readonly Omit<SimulatedWorkerOptions, 'id' | 'own'>[]
  /** Passes during which the engine dies. */
  readonly crashes: ReadonlySet<number>
  /** By how much a pass takes longer while somebody drafts, as a share: drafters and frames use the Oracle's processor. */
  readonly drag?: number
  /** By how many milliseconds each frame that comes makes the pass longer that runs meanwhile. */
  readonly frameMs?: number
  /** Texts run to their full length: no token ends them. */
  readonly endless?: boolean
}

export function drawScenario(seed: number): Scenario {
  const random = new Draws(seed)
  const slots = random.int(1, 4)
  // From a tiny model on a fast machine to a large one on a slow one; flat, linear and stepped kernels.
  const base = random.pick([0.5, 5, 20, 60, 150])
  const perRow = base * random.pick([0, 0.002, 0.02, 0.2, 0.8])
  const step = random.pick([1, 4, 8])
  const perContext = base * random.pick([0, 1e-5, 1e-4])
  const far = random.pick([0.2, 2, 20, 80])
  const behaviours = random.pick<readonly Behaviour[]>([
    ['honest'],
    ['honest', 'honest', 'dying'],
    ['honest', 'silent', 'stalling'],
    ['honest', 'hostile'],
    ['hostile'],
    ['honest', 'dying', 'stalling', 'silent', 'hostile'],
  ])
  return {
    seed,
    settings: {
      slots,
      window: random.pick([1, 4, 16]),
      prefillRows: random.int(1, 40),
      maxRows: random.pick([slots, 16, 256]),
      scoutsPerRequest: random.int(1, 3),
      stallMs: random.pick([200, 5000]),
      maxWaitMs: random.pick([0, 50, 250]),
      cachedSequences: random.int(0, 4),
      forceDrafts: random.chance(0.1),
      measureMs: random.pick([0, 2000]),
    },
    cost: (rows, context) => base + perRow * step * Math.ceil(rows / step) + perContext * context,
    requests: Array.from({ length: random.int(1, 7) }, () => ({
      atMs: random.pick([0, random.between(0, base * 40)]),
      promptLength: random.int(1, 60),
      maxTokens: random.int(1, 50),
      cancelMs: random.chance(0.15) ? random.between(0, base * 20) : null,
      stopAt: random.chance(0.3) ? random.int(1, 20) : null,
      turns: random.chance(0.3) ? 2 : 1,
    })),
    workers: Array.from({ length: random.int(0, 6) }, () => ({
      behaviour: random.pick(behaviours),
      alpha: random.pick([0, 0.3, 0.7, 0.9, 1]),
      tokenMs: random.pick([0.5, 4, 15, 60]),
      delayMs: far * random.between(0.5, 1.5),
      jitterMs: far * random.pick([0, 0.3, 2]),
      loss: random.pick([0, 0.05]),
      lifeMs: random.between(0, base * 60),
      capacity: random.int(1, 4),
    })),
    crashes: new Set(random.chance(0.15) ? [random.int(1, 30), random.int(1, 30)] : []),
  }
}
