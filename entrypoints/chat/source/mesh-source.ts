import type { OracleEntry } from '../../options/settings.ts'
import {
  type AskOptions,
  ChatError,
  type ChatEvent,
  type ChatSource,
  type ChatTurn,
  type NodeFacts,
} from './chat-source.ts'
import type { FromMesh, ToMesh } from './mesh-port.ts'

/** The port to the document that holds the mesh's node. */
export interface MeshPort {
  post(message: ToMesh): void
  onMessage(listener: (message: FromMesh) => void): void
  /** When the other end closes it. */
  onClose(listener: () => void): void
  close(): void
}

type Question = ToMesh extends infer Each ? (Each extends { type: 'stop' } ? never : Omit<Each, 'id'>) : never

/** Asks the Oracles of the user's list over the mesh. The port is opened when first needed, and again when it was lost. */
export class MeshSource implements ChatSource {
  /** Each look is a round trip through the mesh. */
  readonly lookEveryMs = 15_000
  readonly #connect: () => Promise<MeshPort>
  readonly #oracles: () => readonly OracleEntry[]
  readonly #listening = new Map<number, (message: FromMesh | null) => void>()
  #port: Promise<MeshPort> | null = null
  #lastId = 0
  #isNeeded = true

  constructor(connect: () => Promise<MeshPort>, oracles: () => readonly OracleEntry[]) {
    this.#connect = connect
    this.#oracles = oracles
  }

  async node(signal: AbortSignal): Promise<NodeFacts> {
    for await (const message of this.#request({ type: 'info', oracles: this.#oracles() }, signal)) {
      if (message.type !== 'info') continue
      const { oracle, transport, model, modelId, scope, scouts } = message.facts
      const unsaid = { models: [], loading: null, engine: null, paceMs: 0 }
      return { model, modelId, where: { oracle, transport }, scope, scouts, ...unsaid }
    }
    throw new ChatError('gone', 'the mesh did not answer')
  }

  async *ask(
    turns: readonly ChatTurn[],
    options: AskOptions,
    signal: AbortSignal,
  ): AsyncGenerator<ChatEvent> {
    const question = { type: 'ask', oracles: this.#oracles(), turns, options } as const
    for await (const message of this.#request(question, signal)) {
      if (message.type === 'info' || message.type === 'error') continue
      const { id: _, ...event } = message
      yield event
      if (event.type === 'end') return
    }
  }

  /** Another source answers from now on: the port is closed once nothing is asked over it. */
  rest(): void {
    this.#isNeeded = false
    this.#closeIfIdle()
  }

  /** Everything that comes for one request; an error is thrown. Leaving the loop stops it. */
  async *#request(question: Question, signal: AbortSignal): AsyncGenerator<FromMesh> {
    this.#isNeeded = true
    const id = ++this.#lastId
    const come: (FromMesh | null)[] = []
    let wake = () => {}
    const onAbort = () => wake()
    this.#listening.set(id, (message) => {
      come.push(message)
      wake()
    })
    signal.addEventListener('abort', onAbort)
    let port: MeshPort | null = null
    let isOver = false
    let hasBegun = false
    try {
      port = await this.#open()
      signal.throwIfAborted()
      port.post({ ...question, id })
      for (;;) {
        signal.throwIfAborted()
        const message = come.shift()
        if (message === undefined) {
          await new Promise<void>((resolve) => {
            wake = resolve
          })
          continue
        }
        isOver =
          message === null || message.type === 'error' || message.type === 'end' || message.type === 'info'
        if (message === null)
          throw new ChatError(hasBegun ? 'interrupted' : 'gone', 'the node of the mesh was closed')
        if (message.type === 'error') throw new ChatError(message.kind, message.message, message.retryAfterS)
        hasBegun = true
        yield message
      }
    } finally {
      signal.removeEventListener('abort', onAbort)
      this.#listening.delete(id)
      if (!isOver) port?.post({ type: 'stop', id })
      this.#closeIfIdle()
    }
  }

  #open(): Promise<MeshPort> {
    this.#port ??= this.#connected()
    return this.#port
  }

  async #connected(): Promise<MeshPort> {
    let port: MeshPort
    try {
      port = await this.#connect()
    } catch (cause) {
      this.#port = null
      throw new ChatError('gone', 'the node of the mesh does not start', null, { cause })
    }
    port.onMessage((message) => this.#listening.get(message.id)?.(message))
    port.onClose(() => {
      this.#port = null
      for (const listener of this.#listening.values()) listener(null)
    })
    return port
  }

  #closeIfIdle(): void {
    if (this.#isNeeded || this.#listening.size > 0) return
    void this.#port?.then((port) => port.close()).catch(() => {})
    this.#port = null
  }
}
