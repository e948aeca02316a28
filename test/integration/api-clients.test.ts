import { readFileSync } from 'node:fs'
import { HumanMessage } from '@langchain/core/messages'
import { ChatOpenAI } from '@langchain/openai'
import OpenAI, { APIUserAbortError, BadRequestError, NotFoundError } from 'openai'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type ShardProcess, startOracle, temporaryHome, waitForScouts } from '../support/shard-process.ts'

const { added_tokens } = JSON.parse(
  readFileSync(new URL('../../models/embedded/tokenizer.json', import.meta.url), 'utf8'),
) as { added_tokens: { id: number }[] }
/** Keeps an answer going to its token limit: no marker, so no end. */
const endless = Object.fromEntries(added_tokens.map(({ id }) => [String(id), -100]))

let home: Awaited<ReturnType<typeof temporaryHome>>
let oracle: ShardProcess & { url: string }
let client: OpenAI
let model: string

beforeAll(async () => {
  home = await temporaryHome()
  oracle = await startOracle(home.path, '--pace', '25', '--scouts', '1', '--scheduler-force-drafts')
  await waitForScouts(oracle.url, 1)
  client = new OpenAI({ baseURL: `${oracle.url}/v1`, apiKey: 'unused', maxRetries: 0 })
  model = (await client.models.list()).data[0]!.id
})
afterAll(async () => {
  await oracle?.stop()
  await home[Symbol.asyncDispose]()
})

const messages = [{ role: 'user' as const, content: 'Tell me a story about a fox.' }]
const running = async () => {
  const health = (await (await fetch(`${oracle.url}/health`)).json()) as { load: { running: number } }
  return health.load.running
}
const ask = (fields: object = {}) =>
  client.chat.completions.create({
    model,
    messages,
    seed: 7,
    max_tokens: 24,
    logit_bias: endless,
    ...fields,
    stream: false,
  })
const text = async (fields: object = {}) => (await ask(fields)).choices[0]!.message.content!

describe('the openai package', () => {
  it('lists and retrieves models', async () => {
    expect((await client.models.retrieve(model)).object).toBe('model')
    await expect(client.models.retrieve('gpt-4o')).rejects.toBeInstanceOf(NotFoundError)
  })

  it('gets a whole answer, with the account of what Scouts drafted', async () => {
    const answer = await ask({ max_tokens: 60 })
    expect(answer.object).toBe('chat.completion')
    expect(answer.choices[0]!.finish_reason).toBe('length')
    expect(answer.usage!.completion_tokens).toBe(60)
    expect(answer.system_fingerprint).toMatch(/^shard-/)
    const details = answer.usage!.completion_tokens_details!
    expect(details.accepted_prediction_tokens! + details.rejected_prediction_tokens!).toBeGreaterThan(0)
    const { shard } = answer.choices[0] as unknown as { shard: { tokens: [string, string | null][] } }
    const byScouts = shard.tokens.filter(([, by]) => by !== null)
    expect(byScouts.length).toBe(details.accepted_prediction_tokens)
    const { peers } = (await (await fetch(`${oracle.url}/v1/system/peers`)).json()) as {
      peers: { peer_id: string }[]
    }
    for (const [, by] of byScouts) expect(peers.map((peer) => peer.peer_id)).toContain(by)
  })

  it('streams the same text, with usage at the end', async () => {
    const stream = await client.chat.completions.create({
      model,
      messages,
      seed: 7,
      max_tokens: 24,
      logit_bias: endless,
      stream: true,
      stream_options: { include_usage: true },
    })
    let written = ''
    let pieces = 0
    let usage: OpenAI.CompletionUsage | null | undefined
    let reason: string | null = null
    for await (const chunk of stream) {
      expect(chunk.object).toBe('chat.completion.chunk')
      if (chunk.choices[0]?.delta.content) pieces++
      written += chunk.choices[0]?.delta.content ?? ''
      reason = chunk.choices[0]?.finish_reason ?? reason
      usage = chunk.usage ?? usage
    }
    expect(written).toBe(await text())
    expect(pieces).toBeGreaterThan(3)
    expect(reason).toBe('length')
    expect(usage!.completion_tokens).toBe(24)
  })

  it('works through the runner that collects a stream', async () => {
    const final = await client.chat.completions
      .stream({ model, messages, seed: 7, max_tokens: 24, logit_bias: endless })
      .finalChatCompletion()
    expect(final.choices[0]!.message.content).toBe(await text())
  })

  it('aborts: the slot is free within moments', async () => {
    const stream = await client.chat.completions.create({
      model,
      messages,
      max_tokens: 900,
      logit_bias: endless,
      stream: true,
    })
    for await (const chunk of stream) {
      if (!chunk.choices[0]?.delta.content) continue
      expect(await running()).toBe(1)
      stream.controller.abort()
    }
    await expect.poll(running, { timeout: 20_000 }).toBe(0)

    const controller = new AbortController()
    const whole = client.chat.completions.create(
      { model, messages, max_tokens: 900, logit_bias: endless },
      { signal: controller.signal },
    )
    await expect.poll(running, { timeout: 20_000 }).toBe(1)
    controller.abort()
    await expect(whole).rejects.toBeInstanceOf(APIUserAbortError)
    await expect.poll(running, { timeout: 20_000 }).toBe(0)
    const metrics = await (await fetch(`${oracle.url}/metrics`)).text()
    expect(metrics).toMatch(/shard_requests_total\{outcome="aborted"\} [2-9]/)
  })

  it('gets errors as it expects them', async () => {
    const bad = await ask({ temperature: 5 }).catch((error: unknown) => error)
    expect(bad).toBeInstanceOf(BadRequestError)
    expect(bad).toMatchObject({ status: 400, param: 'temperature', type: 'invalid_request_error' })
    const tools = [{ type: 'function', function: { name: 'f' } }]
    await expect(ask({ tools })).rejects.toMatchObject({ status: 400, param: 'tools' })
    await expect(ask({ response_format: { type: 'json_object' } })).rejects.toMatchObject({ status: 400 })
    await expect(ask({ model: 'gpt-4o' })).rejects.toMatchObject({ status: 404, code: 'model_not_found' })
  })

  it('completes plain text', async () => {
    const answer = await client.completions.create({
      model,
      prompt: 'Once upon a time',
      max_tokens: 8,
      logprobs: 3,
      seed: 1,
      logit_bias: endless,
    })
    expect(answer.object).toBe('text_completion')
    expect(answer.choices[0]!.logprobs!.tokens!.join('')).toBe(answer.choices[0]!.text)
    expect(Object.keys(answer.choices[0]!.logprobs!.top_logprobs![0]!).length).toBeGreaterThan(1)
    let streamed = ''
    const stream = await client.completions.create({
      model,
      prompt: 'Once upon a time',
      max_tokens: 8,
      seed: 1,
      logit_bias: endless,
      stream: true,
    })
    for await (const chunk of stream) streamed += chunk.choices[0]?.text ?? ''
    expect(streamed).toBe(answer.choices[0]!.text)
  })
})

describe('every parameter has its effect', () => {
  it('seed', async () => {
    expect(await text({ seed: 1 })).toBe(await text({ seed: 1 }))
    expect(await text({ seed: 1 })).not.toBe(await text({ seed: 2 }))
  })

  it('temperature, top_k, top_p, min_p: narrow enough, each is greedy', async () => {
    const greedy = await text({ temperature: 0 })
    expect(await text({ temperature: 0, seed: 99 })).toBe(greedy)
    expect(await text({ top_k: 1 })).toBe(greedy)
    expect(await text({ top_p: 0.000001 })).toBe(greedy)
    expect(await text({ min_p: 1 })).toBe(greedy)
    expect(await text({ temperature: 2 })).not.toBe(greedy)
  })

  it('max_tokens and max_completion_tokens', async () => {
    for (const field of ['max_tokens', 'max_completion_tokens']) {
      const answer = await ask({ max_tokens: undefined, [field]: 5 })
      expect(answer.usage!.completion_tokens).toBe(5)
      expect(answer.choices[0]!.finish_reason).toBe('length')
    }
  })

  it('stop, across the borders of tokens and in streams', async () => {
    const full = await text({ max_tokens: 40 })
    for (const [from, length] of [
      [5, 3],
      [9, 6],
      [17, 1],
    ] as const) {
      const stop = full.slice(from, from + length)
      const want = full.slice(0, full.indexOf(stop))
      const answer = await ask({ max_tokens: 40, stop: [stop, '\u0001'] })
      expect(answer.choices[0]!.message.content).toBe(want)
      expect(answer.choices[0]!.finish_reason).toBe('stop')
      const stream = client.chat.completions.stream({
        model,
        messages,
        seed: 7,
        max_tokens: 40,
        stop,
        logit_bias: endless,
      })
      let shown = ''
      for await (const chunk of stream) {
        shown += chunk.choices[0]?.delta.content ?? ''
        // Nothing is ever shown that is taken back.
        expect(want.startsWith(shown)).toBe(true)
      }
      expect(shown).toBe(want)
    }
  })

  it('n: the first choice is the one without n, the others differ', async () => {
    const answer = await ask({ n: 3 })
    const texts = answer.choices.map(({ message }) => message.content)
    expect(answer.choices.map(({ index }) => index)).toEqual([0, 1, 2])
    expect(texts[0]).toBe(await text())
    expect(new Set(texts).size).toBe(3)
    expect(answer.usage!.completion_tokens).toBe(72)
  })

  it('logprobs: of a seen distribution, in order, and they sum to at most 1', async () => {
    const answer = await ask({ logprobs: true, top_logprobs: 20 })
    const content = answer.choices[0]!.logprobs!.content!
    expect(content).toHaveLength(24)
    const written = Buffer.from(content.flatMap(({ bytes }) => bytes!)).toString()
    expect(written).toBe(answer.choices[0]!.message.content)
    for (const { logprob, top_logprobs, bytes, token } of content) {
      expect(logprob).toBeLessThanOrEqual(0)
      expect(Buffer.from(bytes!).toString()).toBe(token)
      const values = top_logprobs.map((top) => top.logprob)
      expect(values).toEqual(values.toSorted((a, b) => b - a))
      expect(values.reduce((sum, value) => sum + Math.exp(value), 0)).toBeLessThanOrEqual(1 + 1e-6)
      const same = top_logprobs.find((top) => top.token === token)
      if (same) expect(same.logprob).toBeCloseTo(logprob, 9)
    }
  })

  it('penalties: fewer tokens come twice', async () => {
    const free = await ask({ temperature: 0, max_tokens: 60, logprobs: true })
    const tokens = (answer: typeof free) => answer.choices[0]!.logprobs!.content!.map(({ token }) => token)
    expect(new Set(tokens(free)).size).toBeLessThan(60)
    const penalised = { temperature: 0, max_tokens: 60, logprobs: true }
    for (const penalty of [{ frequency_penalty: 2 }, { presence_penalty: 2 }, { repetition_penalty: 10 }]) {
      const distinct = new Set(tokens(await ask({ ...penalised, ...penalty }))).size
      expect(distinct, JSON.stringify(penalty)).toBeGreaterThan(new Set(tokens(free)).size)
    }
  })

  it('logit_bias', async () => {
    const first = (await ask({ temperature: 0, max_tokens: 1, logprobs: true })).choices[0]!.logprobs!
      .content![0]!
    const forbidden = await ask({ temperature: 0, max_tokens: 1, logit_bias: { ...endless, '300': 100 } })
    expect(forbidden.choices[0]!.message.content).not.toBe(first.token)
  })

  it('scope: without Scouts nobody drafts, and the text is the same', async () => {
    const alone = await ask({ shard: { scope: 'none' }, max_tokens: 40 })
    expect(alone).toMatchObject({ shard: { scope: 'none' } })
    expect(alone.usage!.completion_tokens_details!.accepted_prediction_tokens).toBe(0)
    const helped = await ask({ max_tokens: 40 })
    expect(helped).toMatchObject({ shard: { scope: 'own' } })
    expect(helped.choices[0]!.message.content).toBe(alone.choices[0]!.message.content)
    expect(await ask({ shard: { scope: 'swarm' }, max_tokens: 1 })).toMatchObject({ shard: { scope: 'own' } })
  })

  it('a conversation goes on from its cached beginning', async () => {
    const first = await ask()
    const next = await ask({
      messages: [...messages, first.choices[0]!.message, { role: 'user', content: 'And then?' }],
    })
    expect(next.usage!.prompt_tokens_details!.cached_tokens).toBeGreaterThan(first.usage!.prompt_tokens - 2)
  })

  it('eight requests at once, all with their own text', async () => {
    const seeds = Array.from({ length: 8 }, (_, i) => i)
    const together = await Promise.all(seeds.map((seed) => text({ seed })))
    for (const seed of seeds) expect(together[seed]).toBe(await text({ seed }))
  })
})

describe("LangChain's ChatOpenAI", () => {
  const chat = (fields: object = {}) =>
    new ChatOpenAI({
      model,
      apiKey: 'unused',
      maxRetries: 0,
      maxTokens: 24,
      temperature: 0,
      modelKwargs: { logit_bias: endless },
      configuration: { baseURL: `${oracle.url}/v1` },
      ...fields,
    })

  it('invokes, with usage', async () => {
    const answer = await chat().invoke([new HumanMessage(messages[0]!.content)])
    expect(answer.content).toBe(await text({ temperature: 0 }))
    expect(answer).toMatchObject({ usage_metadata: { output_tokens: 24 } })
  })

  it('streams', async () => {
    let written = ''
    let pieces = 0
    for await (const chunk of await chat().stream(messages[0]!.content)) {
      written += chunk.content as string
      pieces++
    }
    expect(pieces).toBeGreaterThan(3)
    expect(written).toBe(await text({ temperature: 0 }))
  })

  it('aborts', async () => {
    const controller = new AbortController()
    const answer = chat({ maxTokens: 900 }).invoke('A long story, please.', { signal: controller.signal })
    const ended = answer.then(
      () => 'answered',
      () => 'aborted',
    )
    await expect.poll(running, { timeout: 20_000 }).toBe(1)
    controller.abort()
    expect(await ended).toBe('aborted')
    await expect.poll(running, { timeout: 20_000 }).toBe(0)
  })

  it('takes stop strings', async () => {
    const full = await text({ temperature: 0 })
    const stop = full.slice(8, 12)
    const answer = await chat().invoke(messages[0]!.content, { stop: [stop] })
    expect(answer.content).toBe(full.slice(0, full.indexOf(stop)))
  })
})
