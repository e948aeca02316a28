import type { ToEngine } from '../../shared/engine/remote/engine-messages.ts'
import { EngineServer } from '../../shared/engine/remote/engine-server.ts'
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
  const server = new EngineServer<EngineLoadOptions>({
    load: (options) => loadEngine(options),
    send: (message) => {
      // A parent that has just died is noticed by `disconnect`.
      if (process.connected) process.send?.(message, undefined, undefined, () => undefined)
    },
    stopped: () => process.exit(0),
  })
  process.on('message', (message) => server.receive(message as ToEngine<EngineLoadOptions>))
}
