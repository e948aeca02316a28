import type { Metrics } from '../../native-host/metrics.ts'
import type { PassItem } from '../../shared/engine/engine.ts'
import { EngineError } from '../../shared/engine/engine-error.ts'
import { gauge } from './metric-values.ts'
import type { Scenario } from './scenario.ts'
import type { SimulatedWorker } from './simulated-worker.ts'
import { ToyEngine } from './toy-engine.ts'
import type { VirtualClock } from './virtual-clock.ts'

/** What the time of passes went into, in milliseconds. */
export interface PassTimes {
  /** Own rows of the requests, as without drafters. */
  readonly own: number
  /** By how much draft rows made passes longer. */
  readonly drafts: number
  /** By how much drafters and their frames did. */
  readonly drag: number
}

export interface PassesInit {
  readonly scenario: Scenario
  readonly slots: number
  /** Most rows of a pass, and most drafts of one assignment, that the settings allow. */
  readonly maxRows: number
  readonly window: number
  readonly clock: VirtualClock
  readonly metrics: Metrics
  readonly workers: () => readonly SimulatedWorker[]
  /** Requests that run. */
  readonly running: () => number
}

/** The engine of a simulation: a pass takes the time that the scenario says, and must hold the scheduler's invariants. */
export class SimulatedPasses {
  readonly engine: ToyEngine
  readonly violations: string[] = []
  readonly #init: PassesInit
  readonly #seen = new Set<string>()
  readonly #times = { own: 0, drafts: 0, drag: 0 }
  #measuring: boolean
  #count = 0
  /** Frames that have had their cost. */
  #taken = 0

  constructor(init: PassesInit) {
    this.#init = init
    this.#measuring = (init.scenario.settings.measureMs ?? 1) > 0
    this.engine = new ToyEngine({
      maxSequences: init.slots + 3,
      pass: (rows, context, items) => this.#pass(rows, context, items),
    })
  }

  /** Passes for requests. */
  get count(): number {
    return this.#count
  }

  get times(): PassTimes {
    return { ...this.#times }
  }

  async #pass(rows: number, context: number, items: readonly PassItem[]): Promise<void> {
    const { scenario, clock, running, workers } = this.#init
    const ms = scenario.cost(rows, context)
    if (running() === 0) {
      if (!this.#measuring) this.violations.push('a pass for nobody')
      return clock.sleep(ms)
    }
    this.#measuring = false
    this.#count++
    this.#check(rows, items)
    const own = items.reduce((sum, { tokens }) => sum + tokens.length, 0)
    const ownMs = scenario.cost(own, (context * own) / rows)
    const drag = workers().some(({ busy }) => busy > 0) ? (scenario.drag ?? 0) : 0
    await clock.sleep((1 + drag) * ms)
    const framesMs = this.#newFrames() * (scenario.frameMs ?? 0)
    if (framesMs > 0) await clock.sleep(framesMs)
    this.#times.own += ownMs
    this.#times.drafts += ms - ownMs
    this.#times.drag += drag * ms + framesMs
    if (scenario.crashes.has(this.#count)) {
      this.engine.crash()
      throw new EngineError('ENGINE_LOST', 'simulated crash')
    }
    for (const item of items) this.#verifiedOnce(item)
  }

  /** Frames that have come since it was asked last. */
  #newFrames(): number {
    const arrived = this.#init.workers().reduce((sum, { delivered }) => sum + delivered, 0)
    const frames = arrived - this.#taken
    this.#taken = arrived
    return frames
  }

  #check(rows: number, items: readonly PassItem[]): void {
    const { maxRows, window, metrics, workers } = this.#init
    if (rows > maxRows) this.violations.push(`${rows} rows, cap ${maxRows}`)
    const running = this.#init.running()
    if (items.length !== running) this.violations.push(`${items.length} of ${running} requests in the pass`)
    const nodes = gauge(metrics.draftNodes)
    const assignments = workers().reduce((sum, { busy }) => sum + busy, 0)
    if (nodes > window * assignments) this.violations.push(`${nodes} nodes of ${assignments} assignments`)
  }

  /** Notes each drafted node that a pass tests: the same token after the same tokens never comes twice. */
  #verifiedOnce({ sequence, tokens, drafts, sample }: PassItem): void {
    const start = this.engine.lengthOf(sequence) + tokens.length
    let path = `${sample?.key.lo}@${start}`
    for (const token of drafts) {
      path += `,${token}`
      if (this.#seen.has(path)) this.violations.push(`node ${path} was verified twice`)
      this.#seen.add(path)
    }
  }
}
