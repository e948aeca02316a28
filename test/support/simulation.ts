import { createMetrics } from '../../native-host/metrics.ts'
import { createOracle } from '../../native-host/oracle/oracle.ts'
import { DEFAULT_ORACLE_SETTINGS } from '../../native-host/oracle/settings.ts'
import type { DoneReason } from '../../shared/drafter/draft-worker.ts'
import { Draws } from './draws.ts'
import { counter } from './metric-values.ts'
import type { Scenario } from './scenario.ts'
import { type PassTimes, SimulatedPasses } from './simulated-passes.ts'
import { SimulatedReaders } from './simulated-readers.ts'
import { SimulatedPool, SimulatedWorker } from './simulated-worker.ts'
import { VirtualClock } from './virtual-clock.ts'

export interface SimulationResult {
  /** Simulated milliseconds until the last request ended. */
  readonly ms: number
  readonly emitted: number
  readonly accepted: number
  readonly rejected: number
  readonly late: number
  readonly rerouted: number
  readonly passes: number
  readonly waits: number
  readonly notNeeded: number
  /** Tokens per millisecond from the first request's start until the first of them has ended: all are there. */
  readonly rate: number
  readonly rounds: readonly Round[]
}

/** What happened in one round. */
export interface Round {
  /** From its beginning until its last request ended. */
  readonly ms: number
  /** From its first token until its last request ended. */
  readonly writingMs: number
  readonly tokens: number
  readonly drafted: number
  readonly passes: number
  /** What its passes' time went into; what is left of `ms` are waits. */
  readonly times: PassTimes
  /** Assignments that workers were given, and how many of them ended because they did not pay. */
  readonly hires: number
  readonly notNeeded: number
}

/** Simulated milliseconds after which something must be wrong. */
const LIMIT_MS = 10_000_000

/** Runs a scenario to its end and checks every invariant on the way; `workers: false` for the Oracle alone. */
export async function simulate(
  scenario: Scenario,
  { workers: withWorkers = true } = {},
): Promise<SimulationResult> {
  try {
    return await play(scenario, withWorkers)
  } catch (cause) {
    throw new Error(`scenario ${scenario.seed}: ${cause instanceof Error ? cause.message : cause}`, { cause })
  }
}

async function play(scenario: Scenario, withWorkers: boolean): Promise<SimulationResult> {
  const { settings } = scenario
  const clock = new VirtualClock()
  const metrics = createMetrics()
  const slots = settings.slots ?? DEFAULT_ORACLE_SETTINGS.slots
  const passes = new SimulatedPasses({
    ...{ scenario, slots, clock, metrics },
    window: settings.window ?? DEFAULT_ORACLE_SETTINGS.window,
    maxRows: Math.max(slots, settings.maxRows ?? DEFAULT_ORACLE_SETTINGS.maxRows),
    workers: () => workers,
    running: () => oracle.status().running,
  })
  const { workers, pool } = makeWorkers(scenario, clock, withWorkers)
  const { engine } = passes
  const oracle = createOracle({ engine, pool, settings, metrics, clock })
  const readers = new SimulatedReaders(scenario, clock, oracle)
  const rounds: Round[] = []
  await clock.run(playRounds(scenario, { clock, readers, passes, workers }, rounds), LIMIT_MS)
  const ms = clock.now()
  await clock.run(oracle.stop(), LIMIT_MS)

  if (passes.violations.length > 0) throw new Error(passes.violations.join('; '))
  const { running, queued } = oracle.status()
  if (running + queued > 0) throw new Error('somebody is left')
  checkAccounts(scenario, workers, readers)
  const { usages, endings } = readers
  const begun = Math.min(...scenario.requests.map(({ atMs }) => atMs))
  return {
    rate: endings[0] === undefined ? 0 : endings[0].tokens / (endings[0].ms - begun),
    ms,
    emitted: usages.reduce((sum, usage) => sum + usage.completionTokens, 0),
    accepted: usages.reduce((sum, usage) => sum + usage.acceptedDrafts, 0),
    rejected: usages.reduce((sum, usage) => sum + usage.rejectedDrafts, 0),
    late: counter(metrics.drafts, { outcome: 'late' }),
    rerouted: counter(metrics.rerouting),
    passes: passes.count,
    waits: counter(metrics.waits, { outcome: 'taken' }),
    notNeeded: countReasons(workers, 'not-needed'),
    rounds,
  }
}

function makeWorkers(scenario: Scenario, clock: VirtualClock, wanted: boolean) {
  const random = new Draws(scenario.seed ^ 0x5eed)
  const make = (i: number): SimulatedWorker => {
    const options = scenario.workers[i % scenario.workers.length]!
    const worker = new SimulatedWorker({ ...options, id: `worker-${i}`, own: true }, clock, random)
    worker.onGone = () => {
      pool.remove(worker)
      // Somebody else turns up a little later.
      clock.after(100, () => {
        if (workers.length < 40) {
          workers.push(make(workers.length))
          pool.add(workers.at(-1)!)
        }
      })
    }
    return worker
  }
  const workers = wanted ? scenario.workers.map((_, i) => make(i)) : []
  const pool = new SimulatedPool(workers)
  return { workers, pool }
}

interface Stage {
  readonly clock: VirtualClock
  readonly readers: SimulatedReaders
  readonly passes: SimulatedPasses
  readonly workers: readonly SimulatedWorker[]
}

/** Fills `rounds`, one after the other. */
async function playRounds(
  { requests, pauseMs = 0 }: Scenario,
  { clock, readers, passes, workers }: Stage,
  rounds: Round[],
): Promise<void> {
  const sums = () => ({
    ...{ ms: clock.now(), tokens: readers.made, drafted: readers.drafted, passes: passes.count },
    ...passes.times,
    hires: workers.reduce((sum, { hires }) => sum + hires, 0),
    notNeeded: countReasons(workers, 'not-needed'),
  })
  const last = Math.max(...requests.map(({ round }) => round ?? 0))
  for (let round = 0; round <= last; round++) {
    if (round > 0) await clock.sleep(pauseMs)
    readers.firstAt = null
    const before = sums()
    const asking = requests.flatMap((request, i) => ((request.round ?? 0) === round ? [i] : []))
    await Promise.all(asking.map((index) => readers.ask(index)))
    const after = sums()
    const change = (key: keyof typeof before) => after[key] - before[key]
    rounds.push({
      ms: change('ms'),
      writingMs: after.ms - (readers.firstAt ?? after.ms),
      tokens: change('tokens'),
      drafted: change('drafted'),
      passes: change('passes'),
      times: { own: change('own'), drafts: change('drafts'), drag: change('drag') },
      hires: change('hires'),
      notNeeded: change('notNeeded'),
    })
  }
}

function checkAccounts(
  { requests }: Scenario,
  workers: readonly SimulatedWorker[],
  { usages }: SimulatedReaders,
): void {
  for (const { id, busy, busiest, capacity } of workers) {
    if (busy !== 0) throw new Error(`${id} was not told that it is over`)
    if (busiest > capacity) throw new Error(`${id} was given too much`)
  }
  const accounts = workers.flatMap((worker) => worker.accounts)
  for (const { drafted, accepted } of accounts)
    if (accepted > drafted) throw new Error('more accepted than drafted')
  // Each confirmed token is credited once, to its first sender; what was cancelled is in the accounts only.
  const credits = accounts.reduce((sum, { accepted }) => sum + accepted, 0)
  const confirmed = usages.reduce((sum, { acceptedDrafts }) => sum + acceptedDrafts, 0)
  const cancelled = requests.some(({ cancelMs }) => cancelMs !== null)
  if (cancelled ? credits < confirmed : credits !== confirmed)
    throw new Error(`${credits} credited, ${confirmed} confirmed`)
}

function countReasons(workers: readonly SimulatedWorker[], reason: DoneReason): number {
  return workers.flatMap(({ reasons }) => reasons).filter((other) => other === reason).length
}
