import { describe, expect, it } from 'vitest'
import type {
  GenerationError,
  GenerationEvent,
  GenerationRequest,
  GenerationUsage,
} from '../../../native-host/oracle/generation.ts'
import { createOracle } from '../../../native-host/oracle/oracle.ts'
import { EngineError } from '../../../shared/engine/engine-error.ts'
import { GREEDY } from '../../../shared/verify/settings.ts'
import { TOY_END, ToyEngine, toyText } from '../../support/toy-engine.ts'

const KEY = { lo: 1, hi: 2 }

function request(prompt: readonly number[], more: Partial<GenerationRequest> = {}): GenerationRequest {
  return {
    prompt,
    settings: GREEDY,
    key: KEY,
    maxTokens: 20,
    stopTokens: [TOY_END],
    topLogprobs: 0,
    scope: 'none',
    ...more,
  }
}

function prompt(seed: number, length: number): number[] {
  return Array.from({ length }, (_, i) => 1 + ((seed * 7919 + i * 31) % 500))
}

async function collect(events: AsyncIterable<GenerationEvent>) {
  const tokens: number[] = []
  let usage: GenerationUsage | null = null
  let finish = ''
  for await (const event of events) {
    if (event.type === 'tokens') tokens.push(...event.tokens.map((token) => token.id))
    else ({ usage, finish } = event)
  }
  return { tokens, usage, finish }
}

const never = new AbortController().signal

describe('the Oracle alone', () => {
  it('writes what the model writes, several at once, and takes turns in the queue', async () => {
    const engine = new ToyEngine()
    const oracle = createOracle({ engine, settings: { slots: 3, prefillRows: 5 } })
    const prompts = Array.from({ length: 12 }, (_, i) => prompt(i, 3 + i * 9))
    const answers = await Promise.all(prompts.map((p) => collect(oracle.generate(request(p), never))))
    for (const [i, answer] of answers.entries()) {
      expect(answer.tokens).toEqual(toyText(prompts[i]!, KEY, 20))
      expect(answer.usage).toMatchObject({
        promptTokens: prompts[i]!.length,
        completionTokens: answer.tokens.length,
      })
    }
    expect(oracle.status()).toMatchObject({ running: 0, queued: 0, load: 0 })
    await oracle.stop()
  })

  it('never lets a long prompt keep others from their token', async () => {
    const shares: number[][] = []
    const engine = new ToyEngine({
      pass: async (_rows, _context, items) => void shares.push(items.map((item) => item.tokens.length)),
    })
    const oracle = createOracle({ engine, settings: { slots: 2, prefillRows: 10 } })
    const first = collect(oracle.generate(request(prompt(1, 1), { maxTokens: 30, stopTokens: [] }), never))
    const second = collect(oracle.generate(request(prompt(2, 200), { maxTokens: 2, stopTokens: [] }), never))
    await Promise.all([first, second])
    // Twenty passes of prompt chunks, and the other's base row in each.
    expect(
      shares.filter((share) => share.length === 2 && share[0] === 1 && share[1]! > 1).length,
    ).toBeGreaterThan(15)
    await oracle.stop()
  })

  it('reuses the prefix of a finished sequence and of its running sister', async () => {
    const engine = new ToyEngine()
    const oracle = createOracle({ engine, settings: { prefillRows: 8, maxRows: 8 } })
    const p = prompt(3, 100)
    const [a, b] = await Promise.all([
      collect(oracle.generate(request(p), never)),
      collect(oracle.generate(request(p, { key: { lo: 9, hi: 9 } }), never)),
    ])
    expect(a.tokens).toEqual(toyText(p, KEY, 20))
    expect(b.tokens).toEqual(toyText(p, { lo: 9, hi: 9 }, 20))
    expect(a.usage?.cachedTokens).toBe(0)
    expect(b.usage?.cachedTokens).toBeGreaterThanOrEqual(68)
    const next = [...p, ...a.tokens, 5, 6, 7]
    const turn = await collect(oracle.generate(request(next), never))
    expect(turn.tokens).toEqual(toyText(next, KEY, 20))
    expect(turn.usage?.cachedTokens).toBe(p.length + a.tokens.length - 1)
    await oracle.stop()
  })

  it('lives with as few sequences as slots', async () => {
    const engine = new ToyEngine({ maxSequences: 2 })
    const oracle = createOracle({ engine, settings: { slots: 2 } })
    const prompts = Array.from({ length: 8 }, (_, i) => prompt(i % 3, 10 + i))
    const answers = await Promise.all(prompts.map((p) => collect(oracle.generate(request(p), never))))
    for (const [i, answer] of answers.entries()) expect(answer.tokens).toEqual(toyText(prompts[i]!, KEY, 20))
    await oracle.stop()
  })

  it('frees the slot of a reader who leaves or aborts within one pass', async () => {
    let release = () => {}
    const engine = new ToyEngine({
      pass: () =>
        new Promise((resolve) => {
          release = resolve
        }),
    })
    const oracle = createOracle({ engine, settings: { slots: 1, measureMs: 0 } })
    const abort = new AbortController()
    const aborted = collect(oracle.generate(request(prompt(4, 4), { maxTokens: 1000 }), abort.signal))
    const waiting = collect(oracle.generate(request(prompt(5, 4), { maxTokens: 1 }), never))
    await expect.poll(() => oracle.status().running).toBe(1)
    abort.abort()
    await expect(aborted).rejects.toMatchObject({ code: 'ABORTED' })
    release()
    await expect.poll(() => oracle.status().queued).toBe(0)
    release()
    expect((await waiting).tokens).toEqual(toyText(prompt(5, 4), KEY, 1))
    expect(engine.passes).toBe(2)
    await oracle.stop()
  })

  it('says when it is full, when a prompt is too long, and when it shuts down', async () => {
    const engine = new ToyEngine({ contextLength: 16, pass: () => new Promise(() => {}) })
    const oracle = createOracle({ engine, settings: { slots: 1, maxQueue: 1, measureMs: 0 } })
    const codes: string[] = []
    const ask = (length: number) =>
      collect(oracle.generate(request(prompt(6, length)), never)).catch((error: unknown) => {
        codes.push((error as GenerationError).code)
      })
    void ask(4)
    void ask(4)
    await Promise.all([ask(4), ask(16)])
    expect(codes.sort()).toEqual(['OVERLOADED', 'PROMPT_TOO_LONG'])
  })

  it('cuts at a stop that the caller finds, and at the context end', async () => {
    const engine = new ToyEngine({ contextLength: 32 })
    const oracle = createOracle({ engine })
    const p = prompt(7, 20)
    const text = toyText(p, KEY, 12)
    const cut = await collect(
      oracle.generate(request(p, { maxTokens: 100, isStop: (token) => token.id === text[4] }), never),
    )
    expect(cut).toMatchObject({ tokens: text.slice(0, 5), finish: 'stop' })
    const full = await collect(oracle.generate(request(p, { maxTokens: 100, stopTokens: [] }), never))
    expect(full).toMatchObject({ tokens: text, finish: 'length', usage: { cachedTokens: 19 } })
    await oracle.stop()
  })

  it('goes on to the same text after the engine was lost, and gives up after a bound', async () => {
    let passes = 0
    const engine = new ToyEngine({
      pass: async () => {
        passes++
        if (passes === 3 || passes === 7) {
          engine.crash()
          throw new EngineError('ENGINE_LOST', 'the engine ended')
        }
      },
    })
    const oracle = createOracle({ engine, settings: { prefillRows: 16, measureMs: 0, engineOutageMs: 250 } })
    const prompts = [prompt(8, 40), prompt(9, 5)]
    const answers = await Promise.all(prompts.map((p) => collect(oracle.generate(request(p), never))))
    for (const [i, answer] of answers.entries()) expect(answer.tokens).toEqual(toyText(prompts[i]!, KEY, 20))
    // Between requests as well: what was kept went with the engine.
    engine.crash()
    expect((await collect(oracle.generate(request(prompts[0]!), never))).tokens).toEqual(
      toyText(prompts[0]!, KEY, 20),
    )
    engine.failure = new EngineError('ENGINE_LOST', 'for good')
    await expect(collect(oracle.generate(request(prompts[0]!), never))).rejects.toMatchObject({
      code: 'ENGINE_FAILED',
    })
    await oracle.stop()
  })
})
