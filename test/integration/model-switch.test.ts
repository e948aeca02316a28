import { readFile, rm, writeFile } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { GgufSurgery } from '../support/gguf-surgery.ts'
import { installModel } from '../support/installed-model.ts'
import { type ShardProcess, startOracle, temporaryHome } from '../support/shard-process.ts'

/** Two random models of one tokenizer, and the embedded one of another. */
const EMBEDDED = 'shard-tales-target-6.3m'
const MODELS = ['alpha', 'beta', EMBEDDED] as const
const ALONE = ['--mesh-enabled', 'false']

interface Answer {
  readonly model: string
  readonly text: string
  readonly accepted: number
}

let home: Awaited<ReturnType<typeof temporaryHome>>
const alone = new Map<string, Answer>()

beforeAll(async () => {
  home = await temporaryHome()
  await installModel(home.path, 'alpha', { seed: 11 })
  await installModel(home.path, 'beta', { seed: 22, layers: 3 })
  await installModel(home.path, 'gamma', { seed: 33, vocabSize: 330 })
  // A header that promises a tensor under another name: only the engine finds out.
  await installModel(
    home.path,
    'incomplete',
    { seed: 44 },
    (bytes) => new GgufSurgery(bytes).rename('blk.1.ffn_up.weight', 'blk.1.ffn_xx.weight').bytes,
  )
  await installModel(home.path, 'truncated', { seed: 55 }, (bytes) => bytes.subarray(0, bytes.length - 4096))
  for (const model of MODELS) {
    const oracle = await startOracle(home.path, '--model', model === EMBEDDED ? 'embedded' : model, ...ALONE)
    for (const question of QUESTIONS) alone.set(keyOf(model, question), await ask(oracle, model, question))
    await oracle.stop()
  }
  // What is compared below must be different for every model and question.
  expect(new Set([...alone.values()].map(({ text }) => text)).size).toBe(alone.size)
})
afterAll(() => home?.[Symbol.asyncDispose]())

interface Question {
  readonly prompt: string
  readonly temperature: number
}
const QUESTIONS: readonly Question[] = [
  { prompt: 'Once upon a time', temperature: 0 },
  { prompt: 'The king said', temperature: 1 },
  { prompt: 'A fox and a bird', temperature: 0.7 },
]
const keyOf = (model: string, { prompt }: Question) => `${model}: ${prompt}`

type Oracle = ShardProcess & { readonly url: string }

function post({ url }: Oracle, body: object, signal?: AbortSignal): Promise<Response> {
  return fetch(`${url}/v1/completions`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ max_tokens: 24, seed: 5, prompt: 'x', ...body }),
    ...(signal && { signal }),
  })
}

async function ask(oracle: Oracle, model: string | null, question: object): Promise<Answer> {
  const response = await post(oracle, { ...(model !== null && { model }), ...question })
  const answer = await response.json()
  expect(response.status, JSON.stringify(answer)).toBe(200)
  const { accepted_prediction_tokens: accepted } = answer.usage.completion_tokens_details
  return { model: answer.model, text: answer.choices[0].text, accepted }
}

async function refusal(oracle: Oracle, body: object) {
  const response = await post(oracle, body)
  return { status: response.status, ...((await response.json()) as { error: object }) }
}

async function listed({ url }: Oracle): Promise<Record<string, string>> {
  const { data } = (await (await fetch(`${url}/v1/models`)).json()) as {
    data: { id: string; shard: { state: string } }[]
  }
  return Object.fromEntries(data.map(({ id, shard }) => [id, shard.state]))
}

const health = async ({ url }: Oracle) => {
  const response = await fetch(`${url}/health`)
  return { code: response.status, ...(await response.json()) }
}

const count = (text: string, pattern: RegExp) => [...text.matchAll(new RegExp(pattern, 'g'))].length

async function withOracle(flags: readonly string[], work: (oracle: Oracle) => Promise<void>): Promise<void> {
  const oracle = await startOracle(home.path, ...flags)
  try {
    await work(oracle)
  } catch (error) {
    throw new Error(`${(error as Error).message}\n${oracle.log}`, { cause: error })
  } finally {
    await oracle.stop()
  }
}

describe('models by request', () => {
  it('lists what is installed and can be loaded, and finds one by id, name and title', () =>
    withOracle(ALONE, async (oracle) => {
      expect(await listed(oracle)).toEqual({
        [EMBEDDED]: 'loaded',
        alpha: 'unloaded',
        beta: 'unloaded',
        gamma: 'unloaded',
        incomplete: 'unloaded',
      })
      const one = async (name: string) => {
        const response = await fetch(`${oracle.url}/v1/models/${encodeURIComponent(name)}`)
        return { status: response.status, ...(await response.json()) }
      }
      expect(await one('alpha')).toMatchObject({
        id: 'alpha',
        object: 'model',
        owned_by: 'shard',
        shard: {
          name: 'random bitnet TQ2_0 11',
          architecture: 'bitnet',
          vocabulary: 320,
          context_length: 512,
        },
      })
      for (const name of ['ALPHA', 'random bitnet TQ2_0 11', 'random-bitnet-tq2_0-11'])
        expect((await one(name)).id).toBe('alpha')
      expect(await one('embedded')).toMatchObject({ id: EMBEDDED, shard: { state: 'loaded' } })
      expect(await one('delta')).toMatchObject({
        status: 404,
        error: { code: 'model_not_found', param: 'model', type: 'invalid_request_error' },
      })
      expect(await one('truncated')).toMatchObject({ status: 503, error: { code: 'model_not_loadable' } })
      // Put there while it runs; no request names a path.
      const path = await installModel(home.path, 'late', { seed: 66 })
      expect(await listed(oracle)).toHaveProperty('late')
      await rm(path)
      expect(await listed(oracle)).not.toHaveProperty('late')
      for (const name of ['../alpha', `${home.path}/models/alpha/model.gguf`, ''])
        expect(await refusal(oracle, { model: name })).toMatchObject({
          status: 404,
          error: { code: 'model_not_found' },
        })
    }))

  it('switches back and forth under concurrent requests, each answered as by its model alone', () =>
    withOracle(ALONE, async (oracle) => {
      const asked = Array.from({ length: 4 }, () =>
        QUESTIONS.flatMap((question) => MODELS.map((model) => ({ model, question }))),
      ).flat()
      const answers = await Promise.all(asked.map(({ model, question }) => ask(oracle, model, question)))
      for (const [i, { model, question }] of asked.entries()) {
        expect(answers[i]!.model).toBe(model)
        expect(answers[i]!.text, keyOf(model, question)).toBe(alone.get(keyOf(model, question))!.text)
      }
      // Everybody who waits for a model shares one load of it: not one for each request.
      expect(count(oracle.log, /"msg":"model loaded"/)).toBeLessThanOrEqual(1 + 2 * MODELS.length)
      expect(Object.values(await listed(oracle)).filter((state) => state === 'loaded')).toHaveLength(1)
      // One that names no model gets the one that is loaded.
      const { model } = answers.at(-1)!
      const current = (await health(oracle)).model.id
      expect((await ask(oracle, null, QUESTIONS[0]!)).model).toBe(current)
      expect(MODELS).toContain(model)
    }))

  it('with room for two, keeps both and unloads the one used longest ago', () =>
    withOracle([...ALONE, '--models-resident', '2'], async (oracle) => {
      for (const model of ['alpha', EMBEDDED, 'alpha', 'beta', 'alpha'] as const) {
        const question = QUESTIONS[1]!
        expect((await ask(oracle, model, question)).text).toBe(alone.get(keyOf(model, question))!.text)
      }
      expect(count(oracle.log, /"msg":"model loaded"/)).toBe(3)
      expect(await listed(oracle)).toMatchObject({ alpha: 'loaded', beta: 'loaded', [EMBEDDED]: 'unloaded' })
      const both = QUESTIONS.flatMap((question) =>
        ['alpha', 'beta'].map(async (model) => [
          (await ask(oracle, model, question)).text,
          alone.get(keyOf(model, question))!.text,
        ]),
      )
      for (const [text, expected] of await Promise.all(both)) expect(text).toBe(expected)
      const metrics = await (await fetch(`${oracle.url}/metrics`)).text()
      expect(metrics).toMatch(/shard_models\{state="ready"\} 2/)
      expect(metrics).toMatch(/shard_model_unloads_total\{reason="room"\} 1/)
      expect(metrics).toMatch(/shard_requests_running 0\n/)
    }))
})

describe('a KV cache of int8', () => {
  it('serves every model, and the fingerprint says so', () =>
    withOracle([...ALONE, '--kv-cache', 'q8'], async (oracle) => {
      for (const model of ['alpha', EMBEDDED]) {
        const response = await (await post(oracle, { model, temperature: 0 })).json()
        expect(response.system_fingerprint).toMatch(new RegExp(`-q8-${model}-[0-9a-f]{8}$`))
        expect(response.usage.completion_tokens).toBeGreaterThan(0)
        expect((await health(oracle)).engine.kv_cache).toBe('q8')
      }
    }))
})

describe('keep_alive', () => {
  it('0 unloads at once; the next request loads again', () =>
    withOracle(ALONE, async (oracle) => {
      await ask(oracle, EMBEDDED, { ...QUESTIONS[0], keep_alive: 0 })
      await oracle.waitForLog(/"reason":"idle","msg":"model unloaded"/)
      // Without a model the Oracle is well: it waits for somebody to ask.
      expect(await health(oracle)).toMatchObject({
        code: 200,
        status: 'ok',
        model: null,
        models: [],
        engine: { state: 'unloaded' },
      })
      expect(await listed(oracle)).toMatchObject({ [EMBEDDED]: 'unloaded' })
      const again = await ask(oracle, null, QUESTIONS[0]!)
      expect(again).toEqual(alone.get(keyOf(EMBEDDED, QUESTIONS[0]!)))
      expect((await health(oracle)).models).toMatchObject([
        { id: EMBEDDED, state: 'ready', expires_in_s: null },
      ])
    }))

  it('once a model’s time is over it is unloaded, and the Oracle’s own one comes back', () =>
    withOracle([...ALONE, '--models-keep-alive', '10m'], async (oracle) => {
      await ask(oracle, 'alpha', QUESTIONS[0]!)
      const [resident] = (await health(oracle)).models
      expect(resident).toMatchObject({ id: 'alpha', requests: 0 })
      expect(resident.expires_in_s).toBeGreaterThan(590)
      await ask(oracle, 'alpha', { ...QUESTIONS[0], keep_alive: '100ms' })
      await oracle.waitForLog(/"model":"alpha","reason":"idle","msg":"model unloaded"/)
      // At the start, for alpha's sake gone, and back.
      await oracle.waitForLog(/("msg":"model loaded"[\s\S]*){3}/)
      expect((await ask(oracle, null, QUESTIONS[0]!)).model).toBe(EMBEDDED)
    }))

  it('is refused where it is none', () =>
    withOracle(ALONE, async (oracle) => {
      expect(await refusal(oracle, { keep_alive: 'a while' })).toMatchObject({
        status: 400,
        error: { param: 'keep_alive' },
      })
    }))
})

describe('a model that does not load', () => {
  it('says why, whole or as a stream, and the one that was there goes on or comes back', () =>
    withOracle(ALONE, async (oracle) => {
      for (const stream of [false, true]) {
        expect(await refusal(oracle, { model: 'delta', stream })).toMatchObject({
          status: 404,
          error: { code: 'model_not_found', message: expect.stringContaining('"delta"') },
        })
        expect(await refusal(oracle, { model: 'truncated', stream })).toMatchObject({
          status: 503,
          error: { code: 'model_not_loadable', message: expect.stringMatching(/truncated.*fetch it again/) },
        })
      }
      // Its head is enough to know: nothing was unloaded for these.
      expect(count(oracle.log, /"msg":"model unloaded"/)).toBe(0)
      expect(await refusal(oracle, { model: 'incomplete' })).toMatchObject({
        status: 503,
        error: { code: 'model_not_loadable', message: expect.stringContaining('blk.1.ffn_up.weight') },
      })
      const answer = await ask(oracle, EMBEDDED, QUESTIONS[1]!)
      expect(answer).toEqual(alone.get(keyOf(EMBEDDED, QUESTIONS[1]!)))
      expect(count(oracle.log, /"msg":"model loaded"/)).toBe(2)
    }))

  it('for want of memory, without touching what is loaded', () =>
    withOracle([...ALONE, '--models-memory-mib', '8'], async (oracle) => {
      expect(await refusal(oracle, { model: 'beta' })).toMatchObject({ status: 200 })
      const path = await installModel(home.path, 'large', { seed: 77, embedding: 2048, vocabSize: 4096 })
      expect(await refusal(oracle, { model: 'large' })).toMatchObject({
        status: 503,
        error: {
          code: 'insufficient_memory',
          message: expect.stringMatching(/large needs .*models\.memory_mib/),
        },
      })
      expect(await listed(oracle)).toMatchObject({ beta: 'loaded', large: 'unloaded' })
      await rm(path)
    }))

  it('a tokenizer of another model, or none', () =>
    withOracle(ALONE, async (oracle) => {
      const folder = `${home.path}/models/gamma`
      const own = await readFile(`${folder}/tokenizer.json`)
      await writeFile(`${folder}/tokenizer.json`, await readFile(`${home.path}/models/alpha/tokenizer.json`))
      expect(await refusal(oracle, { model: 'gamma' })).toMatchObject({
        status: 503,
        error: { code: 'model_not_loadable', message: expect.stringContaining('another model') },
      })
      await rm(`${folder}/tokenizer.json`)
      expect(await listed(oracle)).not.toHaveProperty('gamma')
      expect(await refusal(oracle, { model: 'gamma' })).toMatchObject({
        status: 503,
        error: { message: expect.stringContaining('tokenizer.json') },
      })
      await writeFile(`${folder}/tokenizer.json`, own)
      expect((await ask(oracle, 'gamma', QUESTIONS[0]!)).model).toBe('gamma')
    }))
})

describe('Scouts and a switch', () => {
  it('those that fit the next model stay and draft for it; those that do not are sent away, told why, and return', () =>
    withOracle(
      [
        '--model',
        'alpha',
        '--draft-model',
        'alpha',
        '--scouts',
        '1',
        '--scheduler-force-drafts',
        '--pace',
        '20',
      ],
      async (oracle) => {
        await oracle.waitForLog(/"msg":"scout joined"/)
        for (const model of ['alpha', 'beta'] as const) {
          for (const question of QUESTIONS) {
            const answer = await ask(oracle, model, question)
            expect(answer.text).toBe(alone.get(keyOf(model, question))!.text)
            // The draft is alpha itself.
            if (model === 'alpha') expect(answer.accepted).toBeGreaterThan(5)
          }
        }
        expect(count(oracle.log, /"msg":"scout joined"/)).toBe(1)
        expect(count(oracle.log, /"msg":"scout left"/)).toBe(0)
        const { peers } = await (await fetch(`${oracle.url}/v1/system/peers`)).json()
        // It drafted for both.
        expect(peers[0].drafted).toBeGreaterThan(0)
        const other = await ask(oracle, EMBEDDED, QUESTIONS[0]!)
        expect(other.text).toBe(alone.get(keyOf(EMBEDDED, QUESTIONS[0]!))!.text)
        expect(other.accepted).toBe(0)
        await oracle.waitForLog(/"reason":"tokenizer","fault":false,"msg":"scout left"/)
        const back = ask(oracle, 'alpha', QUESTIONS[0]!)
        await oracle.waitForLog(/"msg":"scout joined"[\s\S]*"msg":"scout joined"/)
        expect((await back).text).toBe(alone.get(keyOf('alpha', QUESTIONS[0]!))!.text)
        expect((await ask(oracle, 'alpha', QUESTIONS[1]!)).accepted).toBeGreaterThan(5)
      },
    ))
})
