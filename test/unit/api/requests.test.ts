import { describe, expect, it } from 'vitest'
import { ApiError } from '../../../native-host/api/api-error.ts'
import { parseChatRequest } from '../../../native-host/api/chat-request.ts'
import { checkCompletion, parseCompletionRequest } from '../../../native-host/api/completion-request.ts'
import { parseJson } from '../../../native-host/api/json-body.ts'
import { checkBias } from '../../../native-host/api/parameters.ts'

const bounds = { scope: 'own' } as const
const VOCABULARY = 4096
const messages = [{ role: 'user', content: 'hi' }]
const chat = (fields: object) => {
  const request = parseChatRequest({ model: 'm', messages, ...fields }, bounds)
  checkBias(request, VOCABULARY)
  return request
}
const completion = (fields: object) => {
  const request = parseCompletionRequest({ model: 'm', prompt: 'x', ...fields }, bounds)
  checkCompletion(request, VOCABULARY)
  return request
}

function error(run: () => unknown): ApiError {
  try {
    run()
  } catch (thrown) {
    expect(thrown).toBeInstanceOf(ApiError)
    return thrown as ApiError
  }
  throw new Error('nothing was thrown')
}

describe('chat requests', () => {
  it("have OpenAI's defaults", () => {
    const request = chat({})
    expect(request).toMatchObject({
      stream: false,
      n: 1,
      maxTokens: null,
      stop: [],
      scope: 'own',
      logprobs: false,
    })
    expect(request.settings).toEqual({
      temperature: 1,
      topK: 0,
      topP: 1,
      minP: 0,
      repetitionPenalty: 1,
      frequencyPenalty: 0,
      presencePenalty: 0,
      logitBias: [],
    })
    expect(chat({}).seed).not.toBe(chat({}).seed)
  })

  it('take every field that has an effect', () => {
    const request = chat({
      temperature: 0.5,
      top_p: 0.9,
      top_k: 40,
      min_p: 0.05,
      repetition_penalty: 1.1,
      frequency_penalty: -1,
      presence_penalty: 1,
      logit_bias: { 7: -100, 8: 1.5 },
      max_completion_tokens: 5,
      stop: ['a', 'b'],
      seed: 7n,
      n: 2,
      logprobs: true,
      top_logprobs: 20,
      stream: true,
      stream_options: { include_usage: true },
      shard: { scope: 'none' },
    })
    expect(request).toMatchObject({ maxTokens: 5, stop: ['a', 'b'], seed: 7n, n: 2, topLogprobs: 20 })
    expect(request).toMatchObject({ stream: true, includeUsage: true, scope: 'none', logprobs: true })
    expect(request.settings).toMatchObject({ temperature: 0.5, topP: 0.9, topK: 40, minP: 0.05 })
    expect(request.settings).toMatchObject({
      repetitionPenalty: 1.1,
      frequencyPenalty: -1,
      presencePenalty: 1,
    })
    expect(request.settings.logitBias).toEqual([
      [7, -100],
      [8, 1.5],
    ])
  })

  it.each([
    'user',
    'metadata',
    'store',
    'service_tier',
    'safety_identifier',
    'prompt_cache_key',
    'parallel_tool_calls',
    'reasoning_effort',
    'verbosity',
    'prediction',
  ])('ignore %s', (field) => {
    expect(chat({ [field]: 'anything' }).messages).toEqual(messages)
  })

  it('take null for absent', () => {
    const empty = {
      temperature: null,
      stop: null,
      tools: null,
      seed: null,
      max_tokens: null,
      response_format: null,
    }
    expect(chat(empty).settings.temperature).toBe(1)
  })

  it('read text parts, developers and refusals', () => {
    const parts = [
      { type: 'text', text: 'a' },
      { type: 'text', text: 'b' },
    ]
    const given = [
      { role: 'developer', content: 'be kind', name: 'x' },
      { role: 'user', content: parts },
      { role: 'assistant', content: [{ type: 'refusal', refusal: 'no' }] },
    ]
    expect(chat({ messages: given }).messages).toEqual([
      { role: 'system', content: 'be kind' },
      { role: 'user', content: 'ab' },
      { role: 'assistant', content: 'no' },
    ])
  })

  it.each([
    [{}, null],
    [{ keep_alive: null }, null],
    [{ keep_alive: 0 }, 0],
    [{ keep_alive: '90s' }, 90_000],
    [{ keep_alive: -1 }, Number.POSITIVE_INFINITY],
  ])('read keep_alive: %j', (fields, ms) => {
    expect(chat(fields).keepAliveMs).toBe(ms)
    expect(completion(fields).keepAliveMs).toBe(ms)
  })

  it('narrow the scope, never widen it', () => {
    const scope = (asked: string, allowed: 'none' | 'own' | 'swarm') =>
      parseChatRequest({ model: 'm', messages, shard: { scope: asked } }, { scope: allowed }).scope
    expect(scope('none', 'swarm')).toBe('none')
    expect(scope('own', 'swarm')).toBe('own')
    expect(scope('swarm', 'own')).toBe('own')
    expect(scope('swarm', 'none')).toBe('none')
  })

  it.each<[string, object]>([
    ['temperature', { temperature: 2.1 }],
    ['temperature', { temperature: '1' }],
    ['temperature', { temperature: -0.1 }],
    ['top_p', { top_p: 1.1 }],
    ['top_k', { top_k: 1.5 }],
    ['min_p', { min_p: -1 }],
    ['repetition_penalty', { repetition_penalty: 0 }],
    ['frequency_penalty', { frequency_penalty: 3 }],
    ['presence_penalty', { presence_penalty: -3 }],
    ['logit_bias', { logit_bias: { 5000: 1 } }],
    ['logit_bias.5', { logit_bias: { 5: 101 } }],
    ['logit_bias.hello', { logit_bias: { hello: 1 } }],
    ['logit_bias', { logit_bias: [] }],
    ['max_tokens', { max_tokens: 0 }],
    ['max_tokens', { max_tokens: 1.5 }],
    ['max_completion_tokens', { max_completion_tokens: -1 }],
    ['max_tokens', { max_tokens: 1, max_completion_tokens: 2 }],
    ['stop', { stop: '' }],
    ['stop', { stop: ['a', 'b', 'c', 'd', 'e'] }],
    ['stop', { stop: 5 }],
    ['stop', { stop: 'x'.repeat(2000) }],
    ['seed', { seed: 1.5 }],
    ['seed', { seed: 'abc' }],
    ['seed', { seed: '18446744073709551616' }],
    ['n', { n: 0 }],
    ['n', { n: 17 }],
    ['logprobs', { logprobs: 1 }],
    ['top_logprobs', { top_logprobs: 5 }],
    ['top_logprobs', { logprobs: true, top_logprobs: 21 }],
    ['stream', { stream: 'yes' }],
    ['stream_options', { stream_options: { include_usage: true } }],
    ['stream_options.x', { stream: true, stream_options: { x: 1 } }],
    ['model', { model: 5 }],
    ['messages', { messages: undefined }],
    ['messages', { messages: [] }],
    ['messages', { messages: 'hi' }],
    ['messages[0].role', { messages: [{ content: 'x' }] }],
    ['messages[0].role', { messages: [{ role: 'king', content: 'x' }] }],
    ['messages[0].role', { messages: [{ role: '__proto__', content: 'x' }] }],
    ['messages[1].role', { messages: [...messages, { role: 'tool', content: 'x', tool_call_id: '1' }] }],
    ['messages[0].content', { messages: [{ role: 'user' }] }],
    ['messages[0].content', { messages: [{ role: 'assistant', content: null }] }],
    ['messages[0].content', { messages: [{ role: 'user', content: 5 }] }],
    ['messages[0].content', { messages: [{ role: 'user', content: [] }] }],
    ['messages[0].content[0].type', { messages: [{ role: 'user', content: [{ type: 'image_url' }] }] }],
    ['messages[0].content[0].type', { messages: [{ role: 'user', content: [{ type: 'input_audio' }] }] }],
    ['messages[0].content[0].text', { messages: [{ role: 'user', content: [{ type: 'text' }] }] }],
    ['messages[0].tool_calls', { messages: [{ role: 'assistant', content: 'x', tool_calls: [] }] }],
    ['tools', { tools: [] }],
    ['tool_choice', { tool_choice: 'none' }],
    ['functions', { functions: [] }],
    ['function_call', { function_call: 'auto' }],
    ['audio', { audio: {} }],
    ['web_search_options', { web_search_options: {} }],
    ['response_format', { response_format: { type: 'json_object' } }],
    ['response_format', { response_format: { type: 'json_schema', json_schema: {} } }],
    ['modalities', { modalities: ['text', 'audio'] }],
    ['keep_alive', { keep_alive: 'soon' }],
    ['keep_alive', { keep_alive: true }],
    ['shard.scope', { shard: { scope: 'all' } }],
    ['shard.x', { shard: { x: 1 } }],
    ['prompt', { prompt: 'x' }],
    ['tempreature', { tempreature: 1 }],
  ])('refuse a bad %s: %j', (param, fields) => {
    const thrown = error(() => chat(fields))
    expect(thrown).toMatchObject({ status: 400, param, type: 'invalid_request_error' })
    expect(thrown.message).toContain(param)
    expect(thrown.body().error).toMatchObject({ param, message: thrown.message })
  })
})

describe('completion requests', () => {
  it('take a text, tokens, or several of them', () => {
    expect(completion({}).prompts).toEqual(['x'])
    expect(completion({ prompt: ['a', 'b'] }).prompts).toEqual(['a', 'b'])
    expect(completion({ prompt: [1, 2] }).prompts).toEqual([[1, 2]])
    expect(completion({ prompt: [[1], [2]] }).prompts).toEqual([[1], [2]])
    expect(completion({}).maxTokens).toBe(16)
  })

  it.each<[string, object]>([
    ['prompt', { prompt: undefined }],
    ['prompt', { prompt: [] }],
    ['prompt', { prompt: [4096] }],
    ['prompt[0]', { prompt: [-1] }],
    ['prompt', { prompt: ['a', 1] }],
    ['n', { prompt: ['a', 'b', 'c'], n: 6 }],
    ['logprobs', { logprobs: 6 }],
    ['logprobs', { logprobs: true }],
    ['echo', { echo: true }],
    ['suffix', { suffix: 'x' }],
    ['best_of', { best_of: 2 }],
    ['messages', { messages: [] }],
    ['max_completion_tokens', { max_completion_tokens: 1 }],
  ])('refuse a bad %s: %j', (param, fields) => {
    expect(error(() => completion(fields))).toMatchObject({ status: 400, param })
  })
})

describe('JSON of requests', () => {
  it('keeps all 64 bits of a seed', () => {
    expect(parseJson('{"seed": 9223372036854775807}').seed).toBe(2n ** 63n - 1n)
    expect(parseJson('{"seed": -9223372036854775808}').seed).toBe(-(2n ** 63n))
    expect(chat(parseJson('{"seed": 18446744073709551615}')).seed).toBe(-1n)
    expect(chat({ seed: '-5' }).seed).toBe(-5n)
  })

  it.each(['', '{', '[]', 'null', '5', '"x"', '{"a":1,}', '{a:1}', 'NaN', '{"a":undefined}'])(
    'refuses %j',
    (text) => {
      expect(error(() => parseJson(text))).toMatchObject({ status: 400, code: 'invalid_json' })
    },
  )

  it('refuses deep nesting, and is not fooled by brackets in texts', () => {
    expect(error(() => parseJson('{"a":'.repeat(100_000)))).toMatchObject({ status: 400 })
    expect(error(() => parseJson(`{"a":${'['.repeat(50)}${']'.repeat(50)}}`))).toMatchObject({ status: 400 })
    expect(parseJson(`{"a":"${'['.repeat(5000)}\\"{"}`).a).toHaveLength(5002)
  })
})
