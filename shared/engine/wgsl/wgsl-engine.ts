import { walk } from '../../verify/walk.ts'
import { checkForward, checkPrefix, checkVerify } from '../batch-check.ts'
import type {
  EmittedToken,
  Engine,
  EngineInfo,
  EngineOptions,
  ForwardItem,
  PassItem,
  PassResult,
  SampleRequest,
  SequenceId,
} from '../engine.ts'
import { EngineError } from '../engine-error.ts'
import { SerialQueue, throwIfAborted } from '../serial-queue.ts'
import { candidatesDecide, type Picked, walkPicked } from './candidates.ts'
import type { GpuMemory } from './gpu-memory.ts'
import type { GpuGraph } from './graph.ts'
import type { KvPool } from './kv-pool.ts'
import type { PassRow } from './pass-data.ts'
import type { PassRunner, Pick } from './pass-runner.ts'

/** What an engine is made of; see load-wgsl-engine.ts. */
export interface WgslParts {
  readonly info: EngineInfo
  readonly memory: GpuMemory
  readonly graph: GpuGraph
  readonly pool: KvPool
  readonly runner: PassRunner
  /** Sampling goes by candidates where they decide; else every row comes back whole. */
  readonly candidatesOnly: boolean
  readonly ownsDevice: boolean
}

interface Sequence {
  readonly blocks: number[]
  tokens: number[]
}

interface Part {
  readonly sequence: SequenceId
  readonly tokens: readonly number[]
  /** Indices among `tokens` of rows whose logits are wanted. */
  readonly wanted: readonly number[]
  readonly whole: boolean
}

/** The engine on WebGPU: one wait a pass. docs/wgsl.md says how it is laid out and what comes back when. */
export class WgslEngine implements Engine {
  readonly info: EngineInfo
  readonly #parts: WgslParts
  readonly #sequences = new Map<SequenceId, Sequence>()
  readonly #queue = new SerialQueue()
  #nextId = 1
  #unloaded = false
  #lost: GPUDeviceLostInfo | null = null

  constructor(parts: WgslParts) {
    this.info = parts.info
    this.#parts = parts
    void parts.memory.device.lost.then((info) => {
      this.#lost = info
    })
  }

  createSequence(): Promise<SequenceId> {
    return this.#run(() => {
      if (this.#sequences.size >= this.info.maxSequences) {
        throw new EngineError(
          'SEQUENCE_LIMIT',
          `${this.info.maxSequences} sequences are open: release one first`,
        )
      }
      const id = this.#nextId++
      this.#sequences.set(id, { blocks: [], tokens: [] })
      return id
    })
  }

  releaseSequence(sequence: SequenceId): Promise<void> {
    return this.#run(() => {
      this.#parts.pool.trim(this.#sequence(sequence).blocks, 0)
      this.#sequences.delete(sequence)
    })
  }

  truncate(sequence: SequenceId, length: number): Promise<void> {
    return this.#run(() => {
      const held = this.#sequence(sequence)
      checkPrefix(length, held.tokens.length)
      this.#cut(held, length)
    })
  }

  copyPrefix(from: SequenceId, to: SequenceId, length: number): Promise<void> {
    return this.#run(async () => {
      const source = this.#sequence(from)
      const target = this.#sequence(to)
      checkPrefix(length, source.tokens.length)
      if (source === target) return this.#cut(target, length)
      const before = target.tokens.length
      await this.#reserve([{ blocks: target.blocks, positions: length }])
      this.#parts.pool.trim(target.blocks, length)
      try {
        await this.#parts.pool.copy(source.blocks, target.blocks)
      } catch (error) {
        this.#cut(target, Math.min(before, length))
        throw error
      }
      target.tokens = source.tokens.slice(0, length)
    })
  }

  forward(items: readonly ForwardItem[], options: EngineOptions = {}): Promise<Float32Array[]> {
    return this.#run(async () => {
      checkForward(items, this.info, (id) => this.#sequence(id).tokens.length)
      const parts = items.map(({ sequence, tokens, logits }): Part => {
        const first = logits === 'all' ? 0 : logits === 'last' ? tokens.length - 1 : tokens.length
        const wanted = [...tokens.keys()].slice(first)
        return { sequence, tokens, wanted, whole: true }
      })
      return this.#pass(parts, options, (picked) => {
        for (const { sequence, tokens } of items) this.#sequence(sequence).tokens.push(...tokens)
        return picked.map((rows) => this.#join(rows))
      })
    }, options.signal)
  }

  verify(items: readonly PassItem[], options: EngineOptions = {}): Promise<PassResult[]> {
    return this.#run(async () => {
      checkVerify(items, this.info, (id) => this.#sequence(id).tokens.length)
      const parts = items.map(({ sequence, tokens, drafts, sample }): Part => {
        const all = [...tokens, ...drafts]
        const wanted = sample ? [...all.keys()].slice(tokens.length - 1) : []
        return { sequence, tokens: all, wanted, whole: !(sample && this.#byCandidates(sample)) }
      })
      return this.#pass(parts, options, (picked) =>
        items.map(({ sequence, tokens, drafts, sample }, i) => {
          const held = this.#sequence(sequence)
          held.tokens.push(...tokens)
          if (sample === undefined) return { emitted: [] }
          const emitted = emit(picked[i]!, held.tokens, drafts, sample)
          held.tokens.push(...drafts.slice(0, emitted.length - 1))
          this.#cut(held, held.tokens.length)
          return { emitted }
        }),
      )
    }, options.signal)
  }

  unload(): Promise<void> {
    return this.#run(() => {
      this.#unloaded = true
      this.#sequences.clear()
      this.#parts.memory.freeAll()
      if (this.#parts.ownsDevice) this.#parts.memory.device.destroy()
    })
  }

  /** One pass over all parts; sequences change only when `commit` is reached, which gets the picked rows by part. */
  async #pass<T>(
    parts: readonly Part[],
    { signal }: EngineOptions,
    commit: (picked: readonly (readonly Picked[])[]) => T,
  ): Promise<T> {
    const rows: PassRow[] = []
    const picks: Pick[] = []
    const sequences = parts.map(({ sequence }) => this.#sequence(sequence))
    for (const [i, { tokens, wanted, whole }] of parts.entries()) {
      const { blocks, tokens: known } = sequences[i]!
      for (const row of wanted) picks.push({ row: rows.length + row, whole })
      for (const [n, token] of tokens.entries()) rows.push({ token, position: known.length + n, blocks })
    }
    try {
      await this.#reserve(
        parts.map(({ tokens }, i) => {
          const { blocks, tokens: known } = sequences[i]!
          return { blocks, positions: known.length + tokens.length }
        }),
      )
      throwIfAborted(signal)
      const picked = await this.#parts.runner.run(rows, picks)
      throwIfAborted(signal)
      const byPart: Picked[][] = []
      let at = 0
      for (const { wanted } of parts) {
        byPart.push(picked.slice(at, at + wanted.length))
        at += wanted.length
      }
      return commit(byPart)
    } catch (error) {
      for (const held of sequences) this.#cut(held, held.tokens.length)
      throw error
    }
  }

  async #reserve(wanted: Parameters<KvPool['reserve']>[0]): Promise<void> {
    if (await this.#parts.pool.reserve(wanted)) this.#parts.graph.rebind()
  }

  #cut(held: Sequence, length: number): void {
    held.tokens.length = length
    this.#parts.pool.trim(held.blocks, length)
  }

  #byCandidates({ settings }: SampleRequest): boolean {
    return this.#parts.candidatesOnly && candidatesDecide(settings)
  }

  #join(rows: readonly Picked[]): Float32Array {
    const { vocabSize } = this.info.model
    const out = new Float32Array(rows.length * vocabSize)
    for (const [i, row] of rows.entries()) if ('logits' in row) out.set(row.logits, i * vocabSize)
    return out
  }

  #run<T>(task: () => T | Promise<T>, signal?: AbortSignal): Promise<T> {
    return this.#queue.run(async () => {
      if (this.#unloaded) throw new EngineError('UNLOADED', 'the engine was unloaded')
      if (this.#lost) throw lost(this.#lost)
      try {
        return await task()
      } catch (error) {
        // What a lost device makes fail comes with all sorts of errors; the reason follows within the turn or two.
        const reason = this.#lost ?? (await this.#whetherLost(error))
        throw reason ? lost(reason, error) : error
      }
    }, signal)
  }

  async #whetherLost(error: unknown): Promise<GPUDeviceLostInfo | null> {
    if (error instanceof EngineError) return null
    const patience = new Promise<null>((resolve) => setTimeout(() => resolve(null), LOSS_PATIENCE_MS))
    return Promise.race([this.#parts.memory.device.lost, patience])
  }

  #sequence(id: SequenceId): Sequence {
    const sequence = this.#sequences.get(id)
    if (sequence === undefined) throw new EngineError('SEQUENCE_UNKNOWN', `there is no sequence ${id}`)
    return sequence
  }
}

/** How long the news of a lost device may take after its first failure. */
const LOSS_PATIENCE_MS = 1_000

function lost({ reason, message }: GPUDeviceLostInfo, cause?: unknown): EngineError {
  const why = message === '' ? reason : `${reason}, ${message}`
  return new EngineError('ENGINE_LOST', `the GPU device was lost (${why}): load the engine anew`, { cause })
}

function emit(
  picked: readonly Picked[],
  tokens: readonly number[],
  drafts: readonly number[],
  sample: SampleRequest,
): EmittedToken[] {
  const whole = picked.flatMap((row) => ('logits' in row ? [row.logits] : []))
  return whole.length === picked.length
    ? walk((i) => whole[i]!, tokens, drafts, sample)
    : walkPicked((i) => picked[i]!, tokens.length, drafts, sample)
}
