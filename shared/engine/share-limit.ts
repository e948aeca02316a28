import type {
  Engine,
  EngineInfo,
  EngineOptions,
  ForwardItem,
  PassItem,
  PassResult,
  SequenceId,
} from './engine.ts'

/**
 * An engine that rests between passes, so that it computes at most a given share of the time and leaves the processor or
 * the graphics card to others. Results are the engine's own: only when a pass begins changes.
 */
export class ShareLimitedEngine implements Engine {
  readonly info: EngineInfo
  readonly #engine: Engine
  readonly #share: () => number
  #restUntil = 0
  #busyMs = 0

  /** @param share asked before every pass: above 0, at most 1 */
  constructor(engine: Engine, share: () => number) {
    this.info = engine.info
    this.#engine = engine
    this.#share = share
  }

  /** Milliseconds spent in passes since the beginning. */
  get busyMs(): number {
    return this.#busyMs
  }

  createSequence(): Promise<SequenceId> {
    return this.#engine.createSequence()
  }

  releaseSequence(sequence: SequenceId): Promise<void> {
    return this.#engine.releaseSequence(sequence)
  }

  truncate(sequence: SequenceId, length: number): Promise<void> {
    return this.#engine.truncate(sequence, length)
  }

  copyPrefix(from: SequenceId, to: SequenceId, length: number): Promise<void> {
    return this.#engine.copyPrefix(from, to, length)
  }

  forward(items: readonly ForwardItem[], options: EngineOptions = {}): Promise<Float32Array[]> {
    return this.#pass(() => this.#engine.forward(items, options), options.signal)
  }

  verify(items: readonly PassItem[], options: EngineOptions = {}): Promise<PassResult[]> {
    return this.#pass(() => this.#engine.verify(items, options), options.signal)
  }

  unload(): Promise<void> {
    return this.#engine.unload()
  }

  async #pass<T>(run: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    const rest = this.#restUntil - performance.now()
    if (rest > 0) await pause(rest, signal)
    const start = performance.now()
    try {
      return await run()
    } finally {
      const end = performance.now()
      const share = Math.min(1, Math.max(0.01, this.#share()))
      this.#busyMs += end - start
      this.#restUntil = end + ((end - start) * (1 - share)) / share
    }
  }
}

/** An abort ends the rest; the engine then answers it as it answers every abort. */
function pause(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', done)
      resolve()
    }
    const timer = setTimeout(done, ms)
    signal?.addEventListener('abort', done, { once: true })
    if (signal?.aborted) done()
  })
}
