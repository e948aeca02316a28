import { type ChildProcess, spawn } from 'node:child_process'
import type { EngineError } from '../../shared/engine/engine-error.ts'
import { EngineClient } from '../../shared/engine/remote/engine-client.ts'
import { type FromEngine, fromWire, type ToEngine } from '../../shared/engine/remote/engine-messages.ts'
import type { SelfCommand } from '../packaged/self-command.ts'
import type { EngineLoadOptions } from './engine-options.ts'

export interface EngineChildInit {
  /** Starts the program that calls runEngineProcess when it is given `args`. */
  readonly self: SelfCommand
  readonly args: readonly string[]
  readonly generation: number
  readonly load: EngineLoadOptions
}

export interface EngineChildLimits {
  /** A process that has not loaded its model by then is killed: large models come from slow disks. */
  readonly loadMs: number
  /** Time between two pings. */
  readonly pingMs: number
  /** A process that answers no ping for so long hangs: passes run beside its event loop, so none explains it. */
  readonly silenceMs: number
  /** A call that takes so long hangs: no pass of a usable model comes near. */
  readonly callMs: number
  /** Given to a process that was told to stop before it is killed. */
  readonly stopMs: number
}

export const DEFAULT_CHILD_LIMITS: EngineChildLimits = {
  loadMs: 600_000,
  pingMs: 5_000,
  silenceMs: 60_000,
  callMs: 600_000,
  stopMs: 5_000,
}

/** One life of the engine's process, from start to exit. */
export class EngineChild {
  readonly pid: number | undefined
  /** The engine, once its model is loaded, and why it is this one. Rejects with what refused the model, or on exit. */
  readonly loaded: Promise<{ readonly engine: EngineClient; readonly why: string }>
  /** Resolves when the process is gone, with what is known of the reason. */
  readonly exited: Promise<string>
  readonly #process: ChildProcess
  readonly #limits: EngineChildLimits
  #engine: EngineClient | null = null
  #lastHeard = performance.now()
  #killedBecause: string | null = null

  constructor(init: EngineChildInit, limits: EngineChildLimits) {
    this.#limits = limits
    this.#process = spawn(init.self.command, [...init.self.args, ...init.args], {
      serialization: 'advanced',
      // What an engine has to say goes to stderr; stdout belongs to the command that the user typed.
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    })
    this.pid = this.#process.pid
    this.exited = this.#watchExit()
    this.loaded = this.#load(init)
    this.loaded.catch(() => undefined)
  }

  kill(reason: string): void {
    this.#killedBecause ??= reason
    this.#process.kill('SIGKILL')
  }

  /** Lets the process free its model and end; kills it when it does not. */
  async stop(): Promise<void> {
    this.#killedBecause ??= 'the engine was stopped'
    this.#send({ type: 'stop' })
    const timer = setTimeout(() => this.kill('the engine did not stop'), this.#limits.stopMs)
    await this.exited
    clearTimeout(timer)
  }

  async #load({ generation, load }: EngineChildInit) {
    const { promise, resolve, reject } = Promise.withResolvers<{ engine: EngineClient; why: string }>()
    void this.exited.then((reason) => reject(new Error(reason)))
    const timer = setTimeout(
      () => this.kill(`the model was not loaded after ${this.#limits.loadMs} ms`),
      this.#limits.loadMs,
    )
    this.#process.on('message', (raw) => {
      const message = raw as FromEngine
      this.#lastHeard = performance.now()
      if (message.type === 'loaded') {
        this.#engine = new EngineClient(message.info, generation, (out) => this.#send(out))
        this.#startPings()
        resolve({ engine: this.#engine, why: message.why })
      } else if (message.type === 'refused') {
        reject(fromWire(message.error) as EngineError)
      } else {
        this.#engine?.receive(message)
      }
    })
    this.#send({ type: 'load', options: load })
    return promise.finally(() => clearTimeout(timer))
  }

  async #watchExit(): Promise<string> {
    const how = await new Promise<string>((resolve) => {
      this.#process.once('exit', (code, signal) => resolve(signal ?? `exit code ${code}`))
      // A process that could not be started at all has no id and no exit.
      this.#process.on('error', (error) => this.pid === undefined && resolve(error.message))
    })
    const reason = this.#killedBecause ?? `the engine’s process ended (${how})`
    this.#engine?.lose(reason)
    return reason
  }

  #startPings(): void {
    const timer = setInterval(() => {
      const { silenceMs, callMs } = this.#limits
      const silent = performance.now() - this.#lastHeard
      if (silent > silenceMs) this.kill(`the engine’s process was silent for ${Math.round(silent)} ms`)
      else if (this.#engine!.waitingMs > callMs) this.kill(`a pass took longer than ${callMs} ms`)
      else this.#send({ type: 'ping' })
    }, this.#limits.pingMs)
    timer.unref()
    void this.exited.then(() => clearInterval(timer))
  }

  #send(message: ToEngine): void {
    if (this.#process.connected) this.#process.send(message, () => undefined)
  }
}
