import {
  GenerationError,
  type GenerationEvent,
  type GenerationRequest,
  type GenerationUsage,
} from '../../native-host/oracle/generation.ts'
import type { Oracle } from '../../native-host/oracle/oracle.ts'
import { GREEDY } from '../../shared/verify/settings.ts'
import type { Scenario } from './scenario.ts'
import { TOY_END, toyText } from './toy-engine.ts'
import type { VirtualClock } from './virtual-clock.ts'

/** Tokens of all requests when one of them ended, and when that was. */
export interface Ending {
  readonly tokens: number
  readonly ms: number
}

/** Asks an Oracle as a scenario says, and holds every answer against what the target writes alone. */
export class SimulatedReaders {
  readonly #scenario: Scenario
  readonly #clock: VirtualClock
  readonly #oracle: Oracle
  readonly usages: GenerationUsage[] = []
  readonly endings: Ending[] = []
  /** Tokens that have come, and how many of them were drafted. */
  made = 0
  drafted = 0
  /** When the first token of all came after this was set to null. */
  firstAt: number | null = null

  constructor(scenario: Scenario, clock: VirtualClock, oracle: Oracle) {
    this.#scenario = scenario
    this.#clock = clock
    this.#oracle = oracle
  }

  /** One request with all its turns. */
  async ask(index: number): Promise<void> {
    const { atMs, promptLength, turns } = this.#scenario.requests[index]!
    await this.#clock.sleep(atMs)
    // Different first tokens: nobody waits for another's prompt, so that everybody must be in every pass.
    const prompt = Array.from(
      { length: promptLength },
      (_, i) => 1 + ((index * 37 + i * (this.#scenario.seed % 7)) % 500),
    )
    for (let turn = 0; turn < turns; turn++) prompt.push(...(await this.#converse(index, prompt)), 1 + turn)
  }

  async #converse(index: number, prompt: readonly number[]): Promise<readonly number[]> {
    const { maxTokens, cancelMs, stopAt } = this.#scenario.requests[index]!
    const stopTokens = this.#scenario.endless ? [] : [TOY_END]
    const key = { lo: index, hi: this.#scenario.seed }
    const abort = new AbortController()
    if (cancelMs !== null) this.#clock.after(cancelMs, () => abort.abort())
    let looked = 0
    const request: GenerationRequest = {
      ...{ prompt: [...prompt], settings: GREEDY, key, maxTokens, stopTokens, topLogprobs: 0, scope: 'own' },
      isStop: () => ++looked === stopAt,
    }
    const tokens = await this.#read(this.#oracle.generate(request, abort.signal))
    const most = stopAt === null ? maxTokens : Math.min(maxTokens, stopAt)
    const alone = toyText(prompt, key, most, stopTokens)
    const expected = abort.signal.aborted ? alone.slice(0, tokens.length) : alone
    if (tokens.join() !== expected.join())
      throw new Error(`request ${index} wrote ${tokens}, alone it is ${alone}`)
    return tokens
  }

  async #read(events: AsyncIterable<GenerationEvent>): Promise<readonly number[]> {
    const tokens: number[] = []
    let credited = 0
    try {
      for await (const event of events) {
        if (event.type === 'done') {
          this.usages.push(event.usage)
          this.endings.push({ tokens: this.made, ms: this.#clock.now() })
          if (event.usage.completionTokens !== tokens.length) throw new Error('usage is not the text')
          if (event.usage.acceptedDrafts !== credited)
            throw new Error('accepted drafts are not the credited tokens')
          continue
        }
        this.firstAt ??= this.#clock.now()
        for (const { id, by, drafted } of event.tokens) {
          if (drafted !== (by !== null)) throw new Error('a drafted token without its sender')
          tokens.push(id)
          if (drafted) credited++
        }
        this.made += event.tokens.length
        this.drafted += event.tokens.filter(({ drafted }) => drafted).length
      }
    } catch (error) {
      if (!(error instanceof GenerationError && error.code === 'ABORTED')) throw error
    }
    return tokens
  }
}
