import type {
  Engine,
  EngineInfo,
  EngineOptions,
  ForwardItem,
  PassItem,
  PassResult,
  SequenceId,
} from '../../shared/engine/engine.ts'

/** The engine of whichever process lives at the moment. Sequences don't outlive their process. */
export class SupervisedEngine implements Engine {
  readonly #info: () => EngineInfo
  readonly #current: () => Engine

  /** Both throw ENGINE_LOST when there is none. */
  constructor(info: () => EngineInfo, current: () => Engine) {
    this.#info = info
    this.#current = current
  }

  /** Of the engine loaded first; its successors are the same. */
  get info(): EngineInfo {
    return this.#info()
  }

  async createSequence(): Promise<SequenceId> {
    return this.#current().createSequence()
  }

  async releaseSequence(sequence: SequenceId): Promise<void> {
    return this.#current().releaseSequence(sequence)
  }

  async truncate(sequence: SequenceId, length: number): Promise<void> {
    return this.#current().truncate(sequence, length)
  }

  async copyPrefix(from: SequenceId, to: SequenceId, length: number): Promise<void> {
    return this.#current().copyPrefix(from, to, length)
  }

  async forward(items: readonly ForwardItem[], options?: EngineOptions): Promise<Float32Array[]> {
    return this.#current().forward(items, options)
  }

  async verify(items: readonly PassItem[], options?: EngineOptions): Promise<PassResult[]> {
    return this.#current().verify(items, options)
  }

  async unload(): Promise<void> {
    return this.#current().unload()
  }
}
