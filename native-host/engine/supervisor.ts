import { setTimeout as sleep } from 'node:timers/promises'
import type { Engine, EngineInfo } from '../../shared/engine/engine.ts'
import { EngineError } from '../../shared/engine/engine-error.ts'
import { type EngineClient, lost } from '../../shared/engine/remote/engine-client.ts'
import type { SelfCommand } from '../packaged/self-command.ts'
import { DEFAULT_CHILD_LIMITS, EngineChild, type EngineChildLimits } from './engine-child.ts'
import type { EngineLoadOptions } from './engine-options.ts'
import { SupervisedEngine } from './supervised-engine.ts'

/** `failed`: no further process is started, though nobody asked for that; `unloaded`: somebody did. */
export type EngineState = 'starting' | 'ready' | 'restarting' | 'failed' | 'unloaded'

export interface EngineStateEvent {
  readonly state: EngineState
  /** Which engine was loaded and why; or why the last process ended; or why no further one is started. */
  readonly reason: string
  readonly pid: number | undefined
}

export interface SupervisorInit {
  /** Starts the program that calls runEngineProcess when it is given `args`. */
  readonly self: SelfCommand
  /** Default: `engine`, the hidden verb of the CLI. */
  readonly args?: readonly string[]
  readonly load: EngineLoadOptions
  readonly limits?: Partial<SupervisorLimits>
}

export interface SupervisorLimits extends EngineChildLimits {
  /** First wait before a restart; it doubles with every crash in a row. */
  readonly backoffMs: number
  readonly maxBackoffMs: number
  /** Crashes longer apart than this do not count as in a row. */
  readonly calmMs: number
  /** Processes in a row that crash before their model is loaded; then it is the model or the machine. */
  readonly maxFailedStarts: number
}

const DEFAULT_SUPERVISOR_LIMITS: SupervisorLimits = {
  ...DEFAULT_CHILD_LIMITS,
  backoffMs: 250,
  maxBackoffMs: 30_000,
  calmMs: 60_000,
  maxFailedStarts: 5,
}

/**
 * Keeps one engine process alive: starts it, restarts it after a crash with growing waits, kills it when it hangs, ends it
 * with its owner. `engine` outlives all of them; calls during an outage fail with ENGINE_LOST at once.
 */
export class EngineSupervisor {
  readonly engine: Engine
  readonly #init: SupervisorInit
  readonly #limits: SupervisorLimits
  readonly #listeners = new Set<(event: EngineStateEvent) => void>()
  readonly #stop = new AbortController()
  #event: EngineStateEvent = { state: 'starting', reason: 'not started yet', pid: undefined }
  #child: EngineChild | null = null
  #client: EngineClient | null = null
  #info: EngineInfo | null = null
  #generation = 0
  #finished: Promise<void> = Promise.resolve()

  constructor(init: SupervisorInit) {
    this.#init = init
    this.#limits = { ...DEFAULT_SUPERVISOR_LIMITS, ...init.limits }
    this.engine = new SupervisedEngine(
      () => this.#info ?? raise(lost('the engine was never loaded')),
      () => this.#client ?? raise(lost(`the engine is ${this.state}: ${this.#event.reason}`)),
    )
  }

  get state(): EngineState {
    return this.#event.state
  }

  /** The last change: state, reason, process id. */
  get status(): EngineStateEvent {
    return this.#event
  }

  /** How often the process had to be started again. */
  get restarts(): number {
    return Math.max(0, this.#generation - 1)
  }

  /** Calls back on every change until the returned function is called. */
  onState(listener: (event: EngineStateEvent) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /**
   * Starts the process and loads the model; once.
   * @throws {EngineError} what refused the model, or ENGINE_LOST when no process comes up
   */
  async start(): Promise<EngineInfo> {
    const { promise, resolve, reject } = Promise.withResolvers<EngineInfo>()
    this.#finished = this.#run(resolve).catch(reject)
    return promise
  }

  /** Ends the process for good; resolves when it is gone. */
  async stop(): Promise<void> {
    this.#stop.abort()
    await this.#child?.stop()
    await this.#finished
  }

  /** One turn is one life of a process. @throws what made it give up before the first load */
  async #run(onReady: (info: EngineInfo) => void): Promise<void> {
    let crashes = 0
    let failedStarts = 0
    for (;;) {
      const child = this.#spawn()
      const startedAt = performance.now()
      try {
        const { engine, why } = await child.loaded
        this.#checkSame(engine.info)
        this.#client = engine
        this.#info = engine.info
        failedStarts = 0
        this.#enter('ready', why)
        onReady(engine.info)
      } catch (error) {
        if (error instanceof EngineError) return this.#end(child, 'failed', error)
        failedStarts++
      }
      const reason = await child.exited
      this.#client = null
      if (performance.now() - startedAt > this.#limits.calmMs) crashes = 0
      if (this.#stop.signal.aborted) return this.#end(child, 'unloaded', stopped())
      if (failedStarts >= this.#limits.maxFailedStarts) {
        const error = lost(`${failedStarts} processes in a row did not load the model: ${reason}`)
        return this.#end(child, 'failed', error)
      }
      const wait = Math.min(this.#limits.maxBackoffMs, this.#limits.backoffMs * 2 ** crashes++)
      this.#enter('restarting', `${reason}; the next one starts in ${wait} ms`)
      await sleep(wait, undefined, { signal: this.#stop.signal }).catch(() => undefined)
      if (this.#stop.signal.aborted) return this.#end(child, 'unloaded', stopped())
    }
  }

  #spawn(): EngineChild {
    const { self, args = ['engine'], load } = this.#init
    const child = new EngineChild({ self, args, load, generation: this.#generation++ }, this.#limits)
    this.#child = child
    if (this.#stop.signal.aborted) child.kill('the engine was stopped')
    if (this.#info === null) this.#enter('starting', 'the model is being loaded')
    return child
  }

  /** A restarted engine must be the one that the requests under way began on. @throws {EngineError} GGUF_INVALID */
  #checkSame(info: EngineInfo): void {
    if (this.#info === null || JSON.stringify(info) === JSON.stringify(this.#info)) return
    throw new EngineError(
      'GGUF_INVALID',
      'the model file or the engine has changed since the start: restart the Oracle',
    )
  }

  async #end(child: EngineChild, state: 'failed' | 'unloaded', error: EngineError): Promise<void> {
    await child.stop()
    this.#client = null
    this.#enter(state, error.message)
    throw error
  }

  #enter(state: EngineState, reason: string): void {
    this.#event = { state, reason, pid: this.#child?.pid }
    for (const listener of this.#listeners) listener(this.#event)
  }
}

function stopped(): EngineError {
  return lost('the engine was stopped')
}

function raise(error: Error): never {
  throw error
}
