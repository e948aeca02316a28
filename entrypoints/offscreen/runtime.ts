import type { ScoutStatus } from '../../shared/scout/scout.ts'
import type { Broadcast, Task } from '../background/messages.ts'
import { type EngineFacts, NO_SCOUT, type Problem, type ScoutState } from '../background/state.ts'
import { DEFAULT_SETTINGS } from '../options/settings.ts'
import { CONSOLE } from './console-log.ts'
import { CAPACITY, Drafting, scoutSettings } from './drafting.ts'
import { LoadMeter } from './load-meter.ts'
import { NodeKeeper } from './node-keeper.ts'
import { startWorkerEngine, type WorkerEngine } from './worker-engine.ts'

export interface RuntimeInit {
  /** Where the draft model's file is. */
  readonly model: string
  readonly broadcast: (message: Broadcast) => void
  /** The phase is another one: for the toolbar. */
  readonly onPhase: (phase: ScoutState['phase']) => void
  /** The node runs, under this peer id. */
  readonly onNode: (peerId: string) => void
  /** An invitation to the Oracle at this address has been used. */
  readonly onPaired: (address: string) => void
  /** Neither drafting nor a chat needs this any more. */
  readonly onIdle: () => void
}

/** A device that is lost more often than this, within the time below, is not tried again by itself. */
const LOSSES_BORNE = 3
const LOSS_MEMORY_MS = 60_000
/** Rows of one pass: a prompt's chunk for each request. */
const MAX_ROWS = 256

/**
 * What the document that drafts does. It is told a Task and brings itself there step by step: node, engine, Scout; when the
 * task changes under way it goes on from where it is. One step at a time, so that no two loads and no two Scouts meet.
 */
export class ScoutRuntime {
  readonly #init: RuntimeInit
  readonly #nodes: NodeKeeper
  #task: Task = { draft: false, settings: DEFAULT_SETTINGS }
  #onBattery = false
  #chats = 0
  #engine: WorkerEngine | null = null
  #drafting: Drafting | null = null
  #status: ScoutStatus | null = null
  #problem: Problem | null = null
  #losses: number[] = []
  #settling = false
  /** It has drafted or held a chat: one that was just opened for a chat is not done with. */
  #used = false
  /** Something changed since the last look at what is left to do. */
  #dirty = false
  #loading: { readonly stop: AbortController; progress: ScoutState['loading'] } | null = null
  #busy = { at: 0, ms: 0, share: 0 }
  #phase: ScoutState['phase'] = 'off'

  constructor(init: RuntimeInit) {
    this.#init = init
    this.#nodes = new NodeKeeper(
      () => this.#task.settings,
      init.onPaired,
      () => this.#say(),
    )
  }

  /** What should be done from now on. */
  assign(task: Task): void {
    this.#task = task
    this.#used ||= task.draft
    this.#settle()
  }

  setOnBattery(onBattery: boolean): void {
    this.#onBattery = onBattery
    this.#settle()
  }

  /** Tries again what went wrong. */
  retry(): void {
    this.#problem = null
    this.#losses = []
    this.#settle()
  }

  /** A chat needs the node until the returned function is called. */
  holdNode(): () => void {
    this.#chats++
    this.#used = true
    this.#settle()
    return () => {
      this.#chats--
      this.#settle()
    }
  }

  /** Neither drafting nor a chat needs this. */
  get idle(): boolean {
    return !this.#task.draft && this.#chats === 0
  }

  get nodes(): NodeKeeper {
    return this.#nodes
  }

  get state(): ScoutState {
    const { engine, why } = this.#engine ?? {}
    const facts: EngineFacts | null = engine
      ? {
          kind: engine.info.kind === 'wgsl' ? 'wgsl' : 'reference',
          kernel: engine.info.kernel,
          model: engine.info.model.name,
          parameters: engine.info.model.parameters,
          why: why ?? '',
        }
      : null
    return {
      ...NO_SCOUT,
      phase: this.#phaseNow(),
      loading: this.#loading?.progress ?? null,
      engine: facts,
      scout: this.#status,
      busy: this.#busy.share,
      peers: this.#nodes.peers,
      pausedBecause: this.#task.draft && this.#paused ? 'battery' : null,
      problem: this.#problem,
    }
  }

  /** Says the state to whoever listens. */
  say(): void {
    this.#init.broadcast({ type: 'scout', scout: this.state })
  }

  get #paused(): boolean {
    return this.#onBattery && this.#task.settings.onlyOnPower
  }

  get #wantsDrafts(): boolean {
    return this.#task.draft && !this.#paused && this.#problem === null
  }

  #phaseNow(): ScoutState['phase'] {
    if (this.#problem) return 'error'
    if (!this.#task.draft) return 'off'
    if (this.#paused) return 'paused'
    if (!this.#status || !this.#engine) return 'loading'
    return this.#status.state === 'waiting' ? 'ready' : this.#status.state
  }

  #say(): void {
    this.say()
    const phase = this.#phaseNow()
    if (phase === this.#phase) return
    this.#phase = phase
    this.#init.onPhase(phase)
  }

  /** Takes steps until nothing is left to do; a change under way is seen by the next step. */
  #settle(): void {
    if (!this.#wantsDrafts) this.#loading?.stop.abort()
    this.#dirty = true
    this.#say()
    if (!this.#settling) void this.#settleDown()
  }

  async #settleDown(): Promise<void> {
    this.#settling = true
    while (this.#dirty) {
      this.#dirty = false
      while (await this.#step().catch((error: unknown) => this.#fail('NODE', error))) this.#say()
    }
    this.#settling = false
    this.#say()
    if (this.#used && this.idle) this.#init.onIdle()
  }

  /** One step towards the task; false when there is none to take. */
  async #step(): Promise<boolean> {
    const drafts = this.#wantsDrafts
    const changed =
      this.#drafting &&
      JSON.stringify(this.#drafting.made) !== JSON.stringify(scoutSettings(this.#task.settings))
    if (this.#drafting && (!drafts || changed || !this.#engine)) {
      await this.#drafting.stop()
      if (changed) await this.#nodes.hangUp()
      this.#drafting = null
      this.#status = null
      return true
    }
    if (this.#engine && !drafts) {
      const { close } = this.#engine
      this.#engine = null
      await close()
      return true
    }
    const chats = this.#chats > 0 && this.#problem?.code !== 'NODE'
    if ((drafts || chats) !== this.#nodes.running) {
      if (this.#nodes.running) await this.#nodes.stop()
      else this.#init.onNode(await this.#nodes.start())
      return true
    }
    if (drafts && !this.#engine) return this.#load()
    if (drafts && !this.#drafting) {
      this.#draft()
      return true
    }
    return false
  }

  async #load(): Promise<boolean> {
    const meter = new LoadMeter()
    const loading = {
      stop: new AbortController(),
      progress: meter.take({ step: 'read', bytes: 0, totalBytes: 0 }),
    }
    this.#loading = loading
    try {
      const engine = await startWorkerEngine(
        { model: this.#init.model, maxSequences: CAPACITY, maxRows: MAX_ROWS },
        (step) => {
          loading.progress = meter.take(step)
          this.#say()
        },
        loading.stop.signal,
      )
      this.#engine = engine
      void engine.lost.then((reason) => this.#lost(engine, reason))
      CONSOLE.info({ engine: engine.engine.info, why: engine.why }, 'draft model loaded')
    } catch (error) {
      if (!loading.stop.signal.aborted) this.#fail('MODEL', error)
    } finally {
      this.#loading = null
    }
    return true
  }

  #draft(): void {
    const node = this.#nodes.node
    if (!node || !this.#engine) return
    this.#busy = { at: performance.now(), ms: 0, share: 0 }
    this.#drafting = new Drafting({
      node,
      engine: this.#engine,
      settings: () => this.#task.settings,
      prepare: (connection, signal) => this.#nodes.greet(connection, signal),
      onStatus: (status) => {
        this.#status = status
        this.#measure()
        this.#say()
      },
      log: CONSOLE,
    })
  }

  /** Share of the time since the last report that was spent computing, smoothed over a few reports. */
  #measure(): void {
    const ms = this.#drafting?.busyMs ?? 0
    const at = performance.now()
    const share = Math.min(1, (ms - this.#busy.ms) / Math.max(1, at - this.#busy.at))
    const idle = this.#status?.assignments === 0
    this.#busy = { at, ms, share: idle ? 0 : this.#busy.share + (share - this.#busy.share) * 0.3 }
  }

  /** The device went (another program crashed it, the driver was renewed): load again, but not for ever. */
  #lost(engine: WorkerEngine, reason: string): void {
    if (this.#engine !== engine) return
    this.#engine = null
    void engine.close()
    const now = performance.now()
    this.#losses = [...this.#losses.filter((at) => now - at < LOSS_MEMORY_MS), now]
    CONSOLE.warn({ reason, losses: this.#losses.length }, 'engine lost')
    if (this.#losses.length > LOSSES_BORNE) {
      this.#problem = {
        code: 'DEVICE_LOST',
        message: `The graphics device was lost ${this.#losses.length} times in a minute: ${reason}`,
        help: 'Close what uses much graphics memory, or restart the browser; then try again.',
      }
    }
    this.#settle()
  }

  #fail(code: 'MODEL' | 'NODE', error: unknown): boolean {
    const message = error instanceof Error ? error.message : String(error)
    CONSOLE.error({ code, reason: message }, 'drafting failed')
    this.#problem = {
      code,
      message,
      help:
        code === 'MODEL'
          ? 'Reload the extension; if it stays so, install it again.'
          : 'Try again; if it stays so, restart the browser.',
    }
    return true
  }
}
