import type { Engine, PassItem, SampleRequest, SequenceId } from '../engine/engine.ts'
import type { Drafter, DraftSequence, DraftTask } from './drafter.ts'

/** Tokens of one sequence in one pass: a long context is fed in pieces, so that it does not stall the others. */
const CHUNK_TOKENS = 128

interface PendingStep {
  readonly sequence: EngineSequence
  readonly resolve: (token: number) => void
  readonly reject: (reason: unknown) => void
  readonly signal: AbortSignal
}

/**
 * Drafts with any engine: a step is a verifying pass without drafts, under the request's settings, key and prompt
 * length, so the noise is the one that the Oracle will use. Steps that are asked for while a pass runs share the next.
 */
export class EngineDrafter implements Drafter {
  readonly model: string
  readonly tokenizerHash: string
  readonly vocabSize: number
  readonly contextLength: number
  readonly capacity: number
  readonly #engine: Engine
  #pending: PendingStep[] = []
  #running = false

  constructor(engine: Engine) {
    const { model, tokenizerHash, maxSequences } = engine.info
    this.#engine = engine
    this.model = model.name
    this.tokenizerHash = tokenizerHash
    this.vocabSize = model.vocabSize
    this.contextLength = model.contextLength
    this.capacity = maxSequences
  }

  async open(task: DraftTask): Promise<DraftSequence> {
    return new EngineSequence(this, this.#engine, await this.#engine.createSequence(), task)
  }

  /** One more token for a sequence; several sequences' steps run in one pass. */
  step(sequence: EngineSequence, signal: AbortSignal): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#pending.push({ sequence, resolve, reject, signal })
      if (!this.#running) {
        this.#running = true
        // Steps asked for in this turn of the event loop join the first pass.
        queueMicrotask(() => void this.#run())
      }
    })
  }

  async #run(): Promise<void> {
    while (this.#pending.length > 0) {
      const steps = this.#choose()
      try {
        await this.#pass(steps)
      } catch (reason) {
        for (const step of steps) this.#settle(step, () => step.reject(reason))
      }
    }
    this.#running = false
  }

  /** As many pending steps as rows allow, oldest first; whoever needs another pass goes to the end of the queue. */
  #choose(): PendingStep[] {
    for (const step of this.#pending.filter(({ signal }) => signal.aborted)) {
      this.#settle(step, () => step.reject(step.signal.reason))
    }
    const chosen: PendingStep[] = []
    let rows = 0
    for (const step of this.#pending) {
      const need = Math.min(CHUNK_TOKENS, step.sequence.missing, this.#engine.info.maxRows)
      if (rows + need > this.#engine.info.maxRows) break
      rows += need
      chosen.push(step)
    }
    this.#pending = this.#pending.filter((step) => !chosen.includes(step))
    this.#pending.push(...chosen)
    return chosen
  }

  async #pass(steps: readonly PendingStep[]): Promise<void> {
    if (steps.length === 0) return
    await Promise.all(steps.map(({ sequence }) => sequence.rewind()))
    const most = Math.min(CHUNK_TOKENS, this.#engine.info.maxRows)
    const items = steps.map(({ sequence }) => sequence.item(most))
    const results = await this.#engine.verify(items)
    for (const [i, step] of steps.entries()) {
      const item = items[i] as PassItem
      step.sequence.fed(item.tokens.length)
      const token = results[i]?.emitted[0]?.id
      if (token !== undefined) this.#settle(step, () => step.resolve(token))
    }
  }

  #settle(step: PendingStep, end: () => void): void {
    this.#pending = this.#pending.filter((other) => other !== step)
    end()
  }
}

class EngineSequence implements DraftSequence {
  readonly #drafter: EngineDrafter
  readonly #engine: Engine
  readonly #id: SequenceId
  readonly #sample: SampleRequest
  readonly #tokens: number[] = []
  /** Tokens in the engine's KV cache. */
  #cached = 0
  /** How many of those are still this sequence's tokens. */
  #valid = 0
  #closed: Promise<void> | null = null
  #busy: Promise<unknown> = Promise.resolve()

  constructor(drafter: EngineDrafter, engine: Engine, id: SequenceId, task: DraftTask) {
    this.#drafter = drafter
    this.#engine = engine
    this.#id = id
    this.#sample = {
      settings: task.settings,
      key: task.key,
      promptLength: task.promptLength,
      stopTokens: task.stopTokens,
      maxTokens: 1,
      topLogprobs: 0,
    }
  }

  get length(): number {
    return this.#tokens.length
  }

  /** Tokens to feed before the next one can be drawn; at least the last, whose logits decide it. */
  get missing(): number {
    return Math.max(1, this.#tokens.length - this.#valid)
  }

  append(tokens: readonly number[]): void {
    for (const token of tokens) this.#tokens.push(token)
  }

  rollback(length: number): void {
    this.#tokens.length = Math.min(this.#tokens.length, length)
    this.#valid = Math.min(this.#valid, length)
  }

  async next(_most: number, signal: AbortSignal): Promise<readonly number[]> {
    signal.throwIfAborted()
    if (this.#closed) throw new Error('the drafting sequence is closed')
    const step = this.#drafter.step(this, signal)
    this.#busy = step.catch(() => {})
    const token = await step
    this.#tokens.push(token)
    return [token]
  }

  close(): Promise<void> {
    // A pass may still hold the sequence; engines queue calls, so the release comes after it.
    this.#closed ??= this.#busy.then(() => this.#engine.releaseSequence(this.#id)).catch(() => {})
    return this.#closed
  }

  /** Brings the KV cache back to what is still true, leaving the last token to be fed. */
  async rewind(): Promise<void> {
    this.#valid = Math.min(this.#valid, this.#tokens.length - 1)
    if (this.#cached > this.#valid) {
      await this.#engine.truncate(this.#id, this.#valid)
      this.#cached = this.#valid
    }
  }

  /** The next piece to feed; with the last token in it, it draws. */
  item(most: number): PassItem {
    const tokens = this.#tokens.slice(this.#valid, this.#valid + most)
    const last = this.#valid + tokens.length === this.#tokens.length
    return { sequence: this.#id, tokens, drafts: [], ...(last ? { sample: this.#sample } : {}) }
  }

  fed(tokens: number): void {
    this.#valid += tokens
    this.#cached = this.#valid
  }
}
