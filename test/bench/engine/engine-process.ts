import { type ChildProcess, fork } from 'node:child_process'
import { ContenderError } from './contender.ts'
import type { CallName, EngineCalls, EngineReply } from './engine-messages.ts'

/** An engine's process, seen from the bench. One call at a time. */
export class EngineProcess {
  readonly #child: ChildProcess
  readonly #name: string

  /** @param entry a file beside this one, which calls `serveEngine` */
  constructor(name: string, entry: string) {
    this.#name = name
    const file = new URL(entry, import.meta.url)
    // llama.cpp's messages would stand among the table's lines.
    this.#child = fork(file, { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })
  }

  /** @throws {ContenderError} what the engine says of it, or that its process has ended */
  async call<C extends CallName>(call: C, ask: EngineCalls[C]['ask']): Promise<EngineCalls[C]['answer']> {
    const child = this.#child
    const reply = await new Promise<EngineReply>((resolve, reject) => {
      const onMessage = (message: EngineReply) => settle(() => resolve(message))
      const onExit = (code: number | null, signal: string | null) =>
        settle(() => reject(new ContenderError(`${this.#name}: its process ended with ${code ?? signal}`)))
      const settle = (how: () => void) => {
        child.off('message', onMessage)
        child.off('exit', onExit)
        how()
      }
      child.on('message', onMessage)
      child.on('exit', onExit)
      if (child.connected) child.send({ call, ask })
      else onExit(child.exitCode, child.signalCode)
    })
    if ('error' in reply) throw new ContenderError(`${this.#name}: ${reply.error}`)
    return reply.answer as EngineCalls[C]['answer']
  }

  /** Resolves when its process has ended, and so given back its memory. */
  async end(): Promise<void> {
    const child = this.#child
    if (child.exitCode !== null || child.signalCode !== null) return
    const ended = new Promise((resolve) => child.once('exit', resolve))
    if (child.connected) child.disconnect()
    await ended
  }
}
