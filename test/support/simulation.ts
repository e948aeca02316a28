import { createMetrics } from '../../native-host/metrics.ts'
import {
  GenerationError,
  type GenerationRequest,
  type GenerationUsage,
} from '../../native-host/oracle/generation.ts'
import { createOracle } from '../../native-host/oracle/oracle.ts'
import { DEFAULT_ORACLE_SETTINGS, type OracleSettings } from '../../native-host/oracle/settings.ts'
import type { DoneReason } from '../../shared/drafter/draft-worker.ts'
import type { PassItem } from '../../shared/engine/engine.ts'
import { EngineError } from '../../shared/engine/engine-error.ts'
import { GREEDY } from '../../shared/verify/settings.ts'
import { Draws } from './draws.ts'
import { type Behaviour, SimulatedPool, SimulatedWorker } from './simulated-worker.ts'
import { TOY_END, ToyEngine, toyText } from './toy-engine.ts'
import { VirtualClock } from './virtual-clock.ts'

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
  readonly workers: readonly {
    readonly behaviour: Behaviour
    readonly alpha: number
    readonly tokenMs: number
    readonly delayMs: number
    readonly jitterMs: number
    readonly loss: number
    readonly lifeMs: number
    readonly capacity: number
  }[]
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
  readonly tokens: number
  readonly drafted: number
  readonly passes: number
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
  const clock = new VirtualClock()
  const random = new Draws(scenario.seed ^ 0x5eed)
  const metrics = createMetrics()
  const fail = (what: string): never => {
    throw new Error(`scenario ${scenario.seed}: ${what}`)
  }
  const slots = scenario.settings.slots ?? 4
  const window = scenario.settings.window ?? DEFAULT_ORACLE_SETTINGS.window
  const cap = Math.max(slots, scenario.settings.maxRows ?? 256)
  const seen = new Set<string>()
  let measuring = (scenario.settings.measureMs ?? 1) > 0
  let passes = 0
  /** Frames that have had their cost. */
  let taken = 0
  const violations: string[] = []

  const check = (rows: number, items: readonly PassItem[]): void => {
    if (rows > cap) violations.push(`${rows} rows, cap ${cap}`)
    const { running } = oracle.status()
    if (items.length !== running) violations.push(`${items.length} of ${running} requests in the pass`)
    const nodes = gauge(metrics.draftNodes)
    const assignments = workers.reduce((sum, worker) => sum + worker.busy, 0)
    if (nodes > window * assignments) violations.push(`${nodes} nodes of ${assignments} assignments`)
  }
  const engine = new ToyEngine({
    maxSequences: slots + 3,
    async pass(rows, context, items) {
      if (oracle.status().running === 0) {
        if (!measuring) violations.push('a pass for nobody')
        return clock.sleep(scenario.cost(rows, context))
      }
      measuring = false
      passes++
      check(rows, items)
      const drag = workers.some(({ busy }) => busy > 0) ? (scenario.drag ?? 0) : 0
      await clock.sleep((1 + drag) * scenario.cost(rows, context))
      if (scenario.frameMs) {
        const arrived = workers.reduce((sum, worker) => sum + worker.delivered, 0)
        await clock.sleep(scenario.frameMs * (arrived - taken))
        taken = arrived
      }
      if (scenario.crashes.has(passes)) {
        engine.crash()
        throw new EngineError('ENGINE_LOST', 'simulated crash')
      }
      for (const item of items) verifiedOnce(engine, item, seen, violations)
    },
  })

  const makeWorker = (i: number): SimulatedWorker => {
    const options = scenario.workers[i % scenario.workers.length]!
    const worker = new SimulatedWorker({ ...options, id: `worker-${i}`, own: true }, clock, random)
    worker.onGone = () => {
      pool.remove(worker)
      // Somebody else turns up a little later.
      clock.after(100, () => {
        if (workers.length < 40) {
          workers.push(makeWorker(workers.length))
          pool.add(workers.at(-1)!)
        }
      })
    }
    return worker
  }
  const workers = withWorkers ? scenario.workers.map((_, i) => makeWorker(i)) : []
  const pool = new SimulatedPool(workers)
  const oracle = createOracle({ engine, pool, settings: scenario.settings, metrics, clock })

  let last = 0
  const begun = Math.min(...scenario.requests.map(({ atMs }) => atMs))
  /** Tokens of all requests when one of them ended, and when that was. */
  const steady: { readonly tokens: number; readonly ms: number }[] = []
  let made = 0
  let drafted = 0
  const usages: GenerationUsage[] = []
  const ask = async (index: number): Promise<void> => {
    const { atMs, promptLength, turns } = scenario.requests[index]!
    await clock.sleep(atMs)
    // Different first tokens: nobody waits for another's prompt, so that everybody must be in every pass.
    const prompt = Array.from(
      { length: promptLength },
      (_, i) => 1 + ((index * 37 + i * (scenario.seed % 7)) % 500),
    )
    for (let turn = 0; turn < turns; turn++) prompt.push(...(await converse(index, prompt)), 1 + turn)
    last = Math.max(last, clock.now())
  }
  const converse = async (index: number, prompt: readonly number[]): Promise<readonly number[]> => {
    const { maxTokens, cancelMs, stopAt } = scenario.requests[index]!
    const key = { lo: index, hi: scenario.seed }
    const abort = new AbortController()
    if (cancelMs !== null) clock.after(cancelMs, () => abort.abort())
    let looked = 0
    const request: GenerationRequest = {
      prompt: [...prompt],
      settings: GREEDY,
      key,
      maxTokens,
      stopTokens: scenario.endless ? [] : [TOY_END],
      topLogprobs: 0,
      scope: 'own',
      isStop: () => ++looked === stopAt,
    }
    const tokens: number[] = []
    let credited = 0
    try {
      for await (const event of oracle.generate(request, abort.signal)) {
        if (event.type === 'done') {
          usages.push(event.usage)
          steady.push({ tokens: made, ms: clock.now() - begun })
          if (event.usage.completionTokens !== tokens.length) fail('usage is not the text')
          if (event.usage.acceptedDrafts !== credited) fail('accepted drafts are not the credited tokens')
          continue
        }
        for (const token of event.tokens) {
          tokens.push(token.id)
          made++
          if (token.by !== null) {
            credited++
            drafted++
          }
          if (token.drafted !== (token.by !== null)) fail('a drafted token without its sender')
        }
      }
    } catch (error) {
      if (!(error instanceof GenerationError && error.code === 'ABORTED')) throw error
    }
    const stops = scenario.endless ? [] : [TOY_END]
    const alone = toyText(prompt, key, stopAt === null ? maxTokens : Math.min(maxTokens, stopAt), stops)
    const expected = abort.signal.aborted ? alone.slice(0, tokens.length) : alone
    if (tokens.join() !== expected.join()) fail(`request ${index} wrote ${tokens}, alone it is ${alone}`)
    return tokens
  }
  const rounds: Round[] = []
  const playRounds = async () => {
    const last = Math.max(...scenario.requests.map(({ round }) => round ?? 0))
    for (let round = 0; round <= last; round++) {
      const indices = scenario.requests.flatMap((request, i) => ((request.round ?? 0) === round ? [i] : []))
      if (round > 0) await clock.sleep(scenario.pauseMs ?? 0)
      const sums = () => ({
        ms: clock.now(),
        tokens: made,
        drafted,
        passes,
        hires: workers.reduce((sum, { hires }) => sum + hires, 0),
        notNeeded: countReasons(workers, 'not-needed'),
      })
      const before = sums()
      await Promise.all(indices.map(ask))
      const after = sums()
      const change = (key: keyof Round) => after[key] - before[key]
      rounds.push({
        ms: change('ms'),
        tokens: change('tokens'),
        drafted: change('drafted'),
        passes: change('passes'),
        hires: change('hires'),
        notNeeded: change('notNeeded'),
      })
    }
  }
  await clock.run(playRounds(), LIMIT_MS)
  await clock.run(oracle.stop(), LIMIT_MS)

  if (violations.length > 0) fail(violations.join('; '))
  const { running, queued } = oracle.status()
  if (running + queued > 0) fail('somebody is left')
  for (const worker of workers) {
    if (worker.busy !== 0) fail(`${worker.id} was not told that it is over`)
    if (worker.busiest > worker.capacity) fail(`${worker.id} was given too much`)
  }
  const accounts = workers.flatMap((worker) => worker.accounts)
  for (const { drafted, accepted } of accounts) if (accepted > drafted) fail('more accepted than drafted')
  // Each confirmed token is credited once, to its first sender; what was cancelled is in the accounts only.
  const credits = accounts.reduce((sum, { accepted }) => sum + accepted, 0)
  const confirmed = usages.reduce((sum, { acceptedDrafts }) => sum + acceptedDrafts, 0)
  const cancelled = scenario.requests.some(({ cancelMs }) => cancelMs !== null)
  if (cancelled ? credits < confirmed : credits !== confirmed)
    fail(`${credits} credited, ${confirmed} confirmed`)
  return {
    rate: steady[0] === undefined ? 0 : steady[0].tokens / steady[0].ms,
    ms: last,
    emitted: usages.reduce((sum, usage) => sum + usage.completionTokens, 0),
    accepted: usages.reduce((sum, usage) => sum + usage.acceptedDrafts, 0),
    rejected: usages.reduce((sum, usage) => sum + usage.rejectedDrafts, 0),
    late: counter(metrics.drafts, { outcome: 'late' }),
    rerouted: counter(metrics.rerouting),
    passes,
    waits: counter(metrics.waits, { outcome: 'taken' }),
    notNeeded: countReasons(workers, 'not-needed'),
    rounds,
  }
}

function countReasons(workers: readonly SimulatedWorker[], reason: DoneReason): number {
  return workers.flatMap(({ reasons }) => reasons).filter((other) => other === reason).length
}

/** Notes each drafted node that a pass tests: the same token after the same tokens never comes twice. */
function verifiedOnce(engine: ToyEngine, item: PassItem, seen: Set<string>, violations: string[]): void {
  const start = engine.lengthOf(item.sequence) + item.tokens.length
  let path = `${item.sample?.key.lo}@${start}`
  for (const token of item.drafts) {
    path += `,${token}`
    if (seen.has(path)) violations.push(`node ${path} was verified twice`)
    seen.add(path)
  }
}

interface Values {
  readonly hashMap: Record<
    string,
    { readonly value: number; readonly labels: Record<string, string | number> }
  >
}

/** prom-client's `get` is asynchronous; inside a pass the value is needed at once. */
function values(metric: object): Values['hashMap'][string][] {
  return Object.values((metric as Values).hashMap)
}

function gauge(metric: object): number {
  return values(metric)[0]?.value ?? 0
}

function counter(metric: object, labels: Record<string, string> = {}): number {
  return values(metric)
    .filter((entry) => Object.entries(labels).every(([name, value]) => entry.labels[name] === value))
    .reduce((sum, entry) => sum + entry.value, 0)
}
