import type { Engine } from '../engine.ts'
import { type EngineCall, type FromEngine, type ToEngine, toWire } from './engine-messages.ts'

export interface EngineServerInit<Load> {
  readonly load: (options: Load) => Promise<{ readonly engine: Engine; readonly why: string }>
  readonly send: (message: FromEngine) => void
  /** Called once the model is freed; ends the process or the worker. */
  readonly stopped: () => void
}

/** Serves one engine over messages: the other end of an EngineClient, in a process or a worker of its own. */
export class EngineServer<Load> {
  readonly #init: EngineServerInit<Load>
  readonly #aborts = new Map<number, AbortController>()
  #engine: Engine | null = null

  constructor(init: EngineServerInit<Load>) {
    this.#init = init
  }

  receive(message: ToEngine<Load>): void {
    switch (message.type) {
      case 'load':
        void this.#load(message.options)
        break
      case 'call':
        void this.#call(message.id, message.call)
        break
      case 'abort':
        this.#aborts.get(message.id)?.abort()
        break
      case 'ping':
        this.#init.send({ type: 'pong' })
        break
      case 'stop':
        void this.#stop()
        break
    }
  }

  async #load(options: Load): Promise<void> {
    try {
      const { engine, why } = await this.#init.load(options)
      this.#engine = engine
      this.#init.send({ type: 'loaded', info: engine.info, why })
    } catch (error) {
      this.#init.send({ type: 'refused', error: toWire(error) })
    }
  }

  async #call(id: number, call: EngineCall): Promise<void> {
    const abort = new AbortController()
    this.#aborts.set(id, abort)
    try {
      this.#init.send({ type: 'result', id, value: await dispatch(this.#engine!, call, abort.signal) })
    } catch (error) {
      this.#init.send({ type: 'error', id, error: toWire(error) })
    } finally {
      this.#aborts.delete(id)
    }
  }

  async #stop(): Promise<void> {
    for (const abort of this.#aborts.values()) abort.abort()
    try {
      await this.#engine?.unload()
    } finally {
      this.#init.stopped()
    }
  }
}

function dispatch(engine: Engine, call: EngineCall, signal: AbortSignal): Promise<unknown> {
  switch (call.method) {
    case 'createSequence':
      return engine.createSequence()
    case 'releaseSequence':
      return engine.releaseSequence(call.sequence)
    case 'truncate':
      return engine.truncate(call.sequence, call.length)
    case 'copyPrefix':
      return engine.copyPrefix(call.from, call.to, call.length)
    case 'forward':
      return engine.forward(call.items, { signal })
    case 'verify':
      return engine.verify(call.items, { signal })
    case 'unload':
      return engine.unload()
  }
}
