import type { Engine } from '../../shared/engine/engine.ts'
import type { EngineCall, FromEngine, ToEngine } from './engine-messages.ts'
import { toWire } from './engine-messages.ts'
import type { EngineLoadOptions } from './engine-options.ts'
import { loadEngine } from './load-engine.ts'

/**
 * The main function of the engine's process (`shard engine`): serves one engine over the IPC channel that the supervisor
 * opened. Ends when told, and at once when its parent is gone.
 * @throws {Error} when there is no such channel
 */
export function runEngineProcess(): void {
  if (process.send === undefined) {
    throw new Error('the engine’s process is started by the Oracle, not by hand: use `shard serve`')
  }
  // Ctrl-C reaches every process of a terminal; this one is stopped by its parent, after the requests.
  process.on('SIGINT', () => undefined)
  // No exit handlers: a native pass may be running, and nobody is left who could care.
  process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'))
  const server = new EngineServer((message) => {
    // A parent that has just died is noticed by `disconnect`.
    if (process.connected) process.send?.(message, undefined, undefined, () => undefined)
  })
  process.on('message', (message) => server.receive(message as ToEngine))
}

class EngineServer {
  readonly #send: (message: FromEngine) => void
  readonly #aborts = new Map<number, AbortController>()
  #engine: Engine | null = null

  constructor(send: (message: FromEngine) => void) {
    this.#send = send
  }

  receive(message: ToEngine): void {
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
        this.#send({ type: 'pong' })
        break
      case 'stop':
        void this.#stop()
        break
    }
  }

  async #load(options: EngineLoadOptions): Promise<void> {
    try {
      const { engine, why } = await loadEngine(options)
      this.#engine = engine
      this.#send({ type: 'loaded', info: engine.info, why })
    } catch (error) {
      this.#send({ type: 'refused', error: toWire(error) })
    }
  }

  async #call(id: number, call: EngineCall): Promise<void> {
    const abort = new AbortController()
    this.#aborts.set(id, abort)
    try {
      this.#send({ type: 'result', id, value: await dispatch(this.#engine!, call, abort.signal) })
    } catch (error) {
      this.#send({ type: 'error', id, error: toWire(error) })
    } finally {
      this.#aborts.delete(id)
    }
  }

  async #stop(): Promise<void> {
    for (const abort of this.#aborts.values()) abort.abort()
    try {
      await this.#engine?.unload()
    } finally {
      process.exit(0)
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
