import type {
  Engine,
  EngineInfo,
  EngineOptions,
  ForwardItem,
  PassItem,
  PassResult,
  SequenceId,
} from '../engine.ts'
import { EngineError } from '../engine-error.ts'
import { type EngineCall, type FromEngine, fromWire, type ToEngine } from './engine-messages.ts'

/** Sequence ids of one engine process; its successor's start here plus as much again, so that none is ever used twice. */
const IDS_PER_PROCESS = 2 ** 32

interface Pending {
  readonly resolve: (value: unknown) => void
  readonly reject: (error: Error) => void
  readonly since: number
}

/** An Engine that lives in another process, until that process ends. */
export class EngineClient implements Engine {
  readonly info: EngineInfo
  readonly #send: (message: ToEngine<never>) => void
  readonly #firstId: number
  readonly #pending = new Map<number, Pending>()
  #nextCall = 1
  #lost: string | null = null

  /** @param generation which process of its supervisor this is, from 0 */
  constructor(info: EngineInfo, generation: number, send: (message: ToEngine<never>) => void) {
    this.info = info
    this.#firstId = generation * IDS_PER_PROCESS
    this.#send = send
  }

  /** Milliseconds for which the oldest call has been waiting, 0 when none is. */
  get waitingMs(): number {
    const [oldest] = this.#pending.values()
    return oldest === undefined ? 0 : performance.now() - oldest.since
  }

  async createSequence(): Promise<SequenceId> {
    return this.#firstId + ((await this.#call({ method: 'createSequence' })) as number)
  }

  async releaseSequence(sequence: SequenceId): Promise<void> {
    await this.#call({ method: 'releaseSequence', sequence: this.#theirs(sequence) })
  }

  async truncate(sequence: SequenceId, length: number): Promise<void> {
    await this.#call({ method: 'truncate', sequence: this.#theirs(sequence), length })
  }

  async copyPrefix(from: SequenceId, to: SequenceId, length: number): Promise<void> {
    await this.#call({ method: 'copyPrefix', from: this.#theirs(from), to: this.#theirs(to), length })
  }

  async forward(items: readonly ForwardItem[], options: EngineOptions = {}): Promise<Float32Array[]> {
    const call = { method: 'forward', items: this.#translate(items) } as const
    return (await this.#call(call, options.signal)) as Float32Array[]
  }

  async verify(items: readonly PassItem[], options: EngineOptions = {}): Promise<PassResult[]> {
    const call = { method: 'verify', items: this.#translate(items) } as const
    return (await this.#call(call, options.signal)) as PassResult[]
  }

  async unload(): Promise<void> {
    await this.#call({ method: 'unload' })
  }

  /** Takes an answer from the process. */
  receive(message: FromEngine): void {
    if (message.type !== 'result' && message.type !== 'error') return
    const pending = this.#pending.get(message.id)
    this.#pending.delete(message.id)
    if (message.type === 'result') pending?.resolve(message.value)
    else pending?.reject(fromWire(message.error))
  }

  /** The process has ended: every call fails from now on. */
  lose(reason: string): void {
    this.#lost = reason
    for (const { reject } of this.#pending.values()) reject(lost(reason))
    this.#pending.clear()
  }

  #translate<I extends { readonly sequence: SequenceId }>(items: readonly I[]): I[] {
    return items.map((item) => ({ ...item, sequence: this.#theirs(item.sequence) }))
  }

  #theirs(sequence: SequenceId): SequenceId {
    const id = sequence - this.#firstId
    if (id >= 0 && id < IDS_PER_PROCESS) return id
    throw new EngineError('SEQUENCE_UNKNOWN', `sequence ${sequence} went with the engine’s last process`)
  }

  /** An aborted call is answered by the process too, for only it knows whether the call was already done. */
  #call(call: EngineCall, signal?: AbortSignal): Promise<unknown> {
    if (this.#lost !== null) return Promise.reject(lost(this.#lost))
    if (signal?.aborted) {
      return Promise.reject(new EngineError('ABORTED', 'the call was aborted', { cause: signal.reason }))
    }
    const id = this.#nextCall++
    const { promise, resolve, reject } = Promise.withResolvers<unknown>()
    const onAbort = () => this.#send({ type: 'abort', id })
    signal?.addEventListener('abort', onAbort, { once: true })
    this.#pending.set(id, { resolve, reject, since: performance.now() })
    this.#send({ type: 'call', id, call })
    return promise.finally(() => signal?.removeEventListener('abort', onAbort))
  }
}

export function lost(reason: string): EngineError {
  return new EngineError('ENGINE_LOST', reason)
}
