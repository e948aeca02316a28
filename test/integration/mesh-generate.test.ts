import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ControlClient } from '../../native-host/control/control-client.ts'
import { controlPlace } from '../../native-host/control/control-place.ts'
import type { AnswerPiece, GenerateEvent, GenerateRequest } from '../../shared/protocol/generate-frames.ts'
import { parseJoinLink } from '../../shared/protocol/join-link.ts'
import { GENERATE_PROTOCOL } from '../../shared/protocol/names.ts'
import { Attacker } from '../support/mesh/attacker.ts'
import type { DeviceCommand } from '../support/mesh/messages.ts'
import { type DeviceProcess, MeshProcesses } from '../support/mesh/processes.ts'
import { startOracle, temporaryHome, waitForScouts } from '../support/shard-process.ts'

const PROMPTS = (
  JSON.parse(readFileSync(new URL('../../models/prompts.json', import.meta.url), 'utf8')) as string[]
).slice(0, 12)
const MODES = [
  { name: 'greedy', sampling: { temperature: 0 }, stop: [] },
  {
    name: 'sampled',
    sampling: { temperature: 0.9, topP: 0.95, topK: 50, repetitionPenalty: 1.1 },
    stop: ['. ', ', and'],
  },
] as const
const MAX_TOKENS = 48
const SCOUTS = 2

const processes = new MeshProcesses()
let home: Awaited<ReturnType<typeof temporaryHome>>
let oracle: Awaited<ReturnType<typeof startOracle>>
let device: DeviceProcess
let addresses: readonly string[]
let tcp: string

type Asked = Extract<DeviceCommand, { type: 'ask' }>['request']

let asks = 0
/** Asks, and resolves with the number of the ask. */
function ask(request: Asked, from: DeviceProcess = device, at: readonly string[] = [tcp]): number {
  const id = ++asks
  from.send({ type: 'ask', id, addresses: at, request })
  return id
}

async function answerOf(id: number, from: DeviceProcess = device) {
  const ended = await from.event('ended', (event) => event.id === id)
  const events = from.events.flatMap((event) =>
    event.type === 'event' && event.id === id ? [event.event] : [],
  )
  return { events, ended }
}

const begun = (id: number, from: DeviceProcess = device) =>
  from.event('event', (event) => event.id === id && event.event.type === 'pieces')

const piecesOf = (events: readonly GenerateEvent[]): AnswerPiece[] =>
  events.flatMap((event) => (event.type === 'pieces' ? event.pieces : []))
const textOf = (events: readonly GenerateEvent[]) =>
  piecesOf(events)
    .map(([text]) => text)
    .join('')

const user = (content: string): GenerateRequest['messages'] => [{ role: 'user', content }]

/** Ten seconds of answer: it does not end by itself, for the model's end token is out of reach, and nobody drafts. */
const LONG: Asked = {
  messages: user('Tell me of a long road.'),
  maxTokens: 900,
  scope: 'none',
  sampling: { logitBias: [[4095, -100]] },
}

async function load(): Promise<{ running: number; queued: number }> {
  return (
    (await (await fetch(`${oracle.url}/health`)).json()) as { load: { running: number; queued: number } }
  ).load
}
const idle = () =>
  expect
    .poll(async () => (({ running, queued }) => running + queued)(await load()), { timeout: 30_000 })
    .toBe(0)

/** Ended requests of this outcome so far. */
async function outcomes(outcome: string): Promise<number> {
  const metrics = await (await fetch(`${oracle.url}/metrics`)).text()
  return Number(
    metrics.match(new RegExp(`^shard_requests_total\\{outcome="${outcome}"\\} (\\d+)`, 'm'))?.[1] ?? 0,
  )
}

async function control<T>(say: (daemon: ControlClient) => Promise<T>): Promise<T> {
  const daemon = await ControlClient.connect(controlPlace(home.path))
  if (!daemon) throw new Error('no daemon listens')
  try {
    return await say(daemon)
  } finally {
    daemon.end()
  }
}

async function pairedDevice(): Promise<DeviceProcess> {
  const one = await processes.device({ directory: await processes.folder() })
  const { invite } = parseJoinLink((await control((daemon) => daemon.invite(1))).link)
  one.send({ type: 'pair', link: `shard:join?oracle=${tcp}&invite=${invite}` })
  expect((await one.event('paired')).code).toBeNull()
  return one
}

beforeAll(async () => {
  home = await temporaryHome()
  // A pace at which Scouts can keep up, so that drafts count; verified whether they pay or not.
  const flags = ['--engine-pace-ms', '12', '--scheduler-force-drafts', '--scouts', String(SCOUTS)]
  oracle = await startOracle(home.path, ...flags)
  addresses = parseJoinLink((await oracle.waitForLog(/shard:join\?\S+/))[0]).oracles
  tcp = addresses.find((one) => /\/tcp\/\d+\/p2p\//.test(one)) as string
  device = await pairedDevice()
  await waitForScouts(oracle.url, SCOUTS)
})
afterAll(async () => {
  await processes.end()
  await oracle?.stop()
  await home[Symbol.asyncDispose]()
})

describe('an answer over the mesh', () => {
  it('is word for word the one over HTTP, drafted by the same Scouts', async () => {
    const scouts = new Set<string>()
    let accepted = 0
    let rejected = 0
    let stopped = 0
    for (const { name, sampling, stop } of MODES) {
      for (const [i, prompt] of PROMPTS.entries()) {
        const seed = String(i % 2 === 0 ? 1000 + i : -(2n ** 60n) - BigInt(i))
        const messages = [{ role: 'system' as const, content: 'Tell a tale.' }, ...user(prompt)]
        const { topP, topK, repetitionPenalty, temperature } = {
          topP: 1,
          topK: 0,
          repetitionPenalty: 1,
          ...sampling,
        }
        const response = await fetch(`${oracle.url}/v1/chat/completions`, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify({
            messages,
            max_tokens: MAX_TOKENS,
            seed,
            stop,
            temperature,
            top_p: topP,
            top_k: topK,
            repetition_penalty: repetitionPenalty,
          }),
        })
        const http = (await response.json()) as {
          model: string
          shard: { scope: string; seed: string }
          choices: [{ message: { content: string }; finish_reason: string; shard: { tokens: AnswerPiece[] } }]
          usage: { prompt_tokens: number; completion_tokens: number }
        }
        const { events, ended } = await answerOf(
          ask({ messages, sampling, stop, seed, maxTokens: MAX_TOKENS }),
        )
        expect(ended.code, ended.message).toBeNull()
        expect(textOf(events), `${name} ${i}`).toBe(http.choices[0].message.content)
        expect(events[0]).toEqual({ type: 'begin', model: http.model, ...http.shard })
        // The pieces are the same; who drafted each may differ from one run to the next.
        const texts = (pieces: readonly AnswerPiece[]) => pieces.map(([text]) => text)
        expect(texts(piecesOf(events))).toEqual(texts(http.choices[0].shard.tokens))
        const end = events.at(-1)
        if (end?.type !== 'end') throw new Error(`the last event is ${end?.type}`)
        expect(end.reason).toBe(http.choices[0].finish_reason)
        expect(end.usage.promptTokens).toBe(http.usage.prompt_tokens)
        expect(end.usage.tokens).toBe(http.usage.completion_tokens)
        accepted += end.usage.accepted
        rejected += end.usage.rejected
        if (end.reason === 'stop' && stop.length > 0) stopped++
        for (const [, by] of piecesOf(events)) if (by !== null) scouts.add(by)
      }
    }
    expect(accepted).toBeGreaterThan(0)
    expect(rejected).toBeGreaterThan(0)
    expect(stopped).toBeGreaterThan(0)
    const health = (await (await fetch(`${oracle.url}/health`)).json()) as { workers: { id: string }[] }
    expect(scouts.size).toBeGreaterThan(0)
    for (const scout of scouts) expect(health.workers.map(({ id }) => id)).toContain(scout)
  })

  it('comes the same over TCP, WebSocket and WebRTC-direct', async () => {
    const request: Asked = { messages: user('Tell me of a fox.'), seed: '7', maxTokens: 30 }
    const texts: string[] = []
    for (const transport of ['/ws/', '/webrtc-direct/']) {
      const other = await processes.device({ directory: await processes.folder() })
      const { link } = await control((daemon) => daemon.invite(1))
      const { invite, oracles } = parseJoinLink(link)
      const only = oracles.filter((one) => one.includes(transport))
      expect(only.length).toBe(1)
      other.send({ type: 'pair', link: `shard:join?oracle=${only[0]}&invite=${invite}` })
      expect((await other.event('paired')).code).toBeNull()
      const { events, ended } = await answerOf(ask(request, other, only), other)
      expect(ended.code, ended.message).toBeNull()
      texts.push(textOf(events))
      await other.kill('SIGKILL')
    }
    texts.push(textOf((await answerOf(ask(request))).events))
    expect(texts[0]!.length).toBeGreaterThan(20)
    expect(new Set(texts).size).toBe(1)
  })

  it('begins with the seed that the Oracle chose, with which the same comes again', async () => {
    const messages = user('Tell me of a king.')
    const first = await answerOf(ask({ messages, maxTokens: 20 }))
    const [begin] = first.events
    if (begin?.type !== 'begin') throw new Error('no beginning')
    expect(begin.scope).toBe('own')
    const again = await answerOf(ask({ messages, maxTokens: 20, seed: begin.seed }))
    expect(textOf(again.events)).toBe(textOf(first.events))
    const alone = await answerOf(ask({ messages, maxTokens: 20, seed: begin.seed, scope: 'none' }))
    expect(alone.events[0]).toMatchObject({ scope: 'none' })
    expect(textOf(alone.events)).toBe(textOf(first.events))
    expect(piecesOf(alone.events).every(([, by]) => by === null)).toBe(true)
  })

  it.each<[string, string, Asked]>([
    ['a conversation that does not fit', 'context_length_exceeded', { messages: user('fox '.repeat(3000)) }],
    ['another model', 'model_not_found', { messages: user('Hello.'), model: 'gpt-5' }],
    [
      'a temperature that the API does not take',
      'invalid_value',
      { messages: user('Hello.'), sampling: { temperature: 3 } },
    ],
    ['more tokens than the API takes', 'invalid_value', { messages: user('Hello.'), maxTokens: 2 ** 31 }],
  ])('to %s is told in the API’s words', async (_name, code, request) => {
    const { ended } = await answerOf(ask(request))
    expect(ended.code).toBe(code)
    expect(ended.message.length).toBeGreaterThan(10)
  })
})

describe('how the Oracle is', () => {
  it('its own devices are told, while it answers too', async () => {
    const id = ask(LONG)
    await begun(id)
    const from = device.events.length
    device.send({ type: 'info', addresses: [tcp] })
    const { info } = await device.event('info', () => true, from)
    const health = (await (await fetch(`${oracle.url}/health`)).json()) as {
      model: { name: string; id: string; context_length: number }
      engine: { kind: string; kernel: string }
      workers: { id: string; origin: string }[]
    }
    expect(info).toEqual({
      model: health.model.name,
      modelId: health.model.id,
      contextLength: health.model.context_length,
      engine: `${health.engine.kind}, ${health.engine.kernel}`,
      paceMs: 12,
      scope: 'own',
      slots: 4,
      running: 1,
      queued: 0,
      scouts: expect.arrayContaining(health.workers.map((worker) => worker.id)),
    })
    expect(info?.scouts.length).toBe(SCOUTS)
    device.send({ type: 'cancel', id })
    await answerOf(id)
    await idle()
  })
})

describe('a device that is not paired', () => {
  it('is told so, whatever it asks', async () => {
    const stranger = await processes.device({ directory: await processes.folder() })
    const { ended, events } = await answerOf(ask({ messages: user('Hello.') }, stranger), stranger)
    expect([ended.code, events]).toEqual(['not-paired', []])
    stranger.send({ type: 'info', addresses: [tcp] })
    expect(await stranger.event('info')).toMatchObject({ info: null, code: 'not-paired' })
    // As soon as it is paired, it is answered.
    const { link } = await control((daemon) => daemon.invite(1))
    const { invite } = parseJoinLink(link)
    stranger.send({ type: 'pair', link: `shard:join?oracle=${tcp}&invite=${invite}` })
    expect((await stranger.event('paired')).code).toBeNull()
    const answer = await answerOf(ask({ messages: user('Hello.'), maxTokens: 4 }, stranger), stranger)
    expect(answer.ended.code).toBeNull()
    // And no longer once it is removed, in the middle of a word.
    const id = ask(LONG, stranger)
    await begun(id, stranger)
    const { peerId } = await stranger.event('ready')
    await control((daemon) => daemon.removeDevice(peerId))
    expect((await answerOf(id, stranger)).ended.code).toBe('not-paired')
    await idle()
  })
})

describe('a device that leaves', () => {
  it('by cancelling frees its slot', async () => {
    const before = await outcomes('aborted')
    const id = ask(LONG)
    await begun(id)
    expect((await load()).running).toBe(1)
    device.send({ type: 'cancel', id })
    expect((await answerOf(id)).ended.code).toMatch(/cancelled/)
    await idle()
    expect(await outcomes('aborted')).toBe(before + 1)
  })

  it('by being killed frees its slots', async () => {
    const before = await outcomes('aborted')
    const doomed = await pairedDevice()
    const ids = [ask(LONG, doomed), ask(LONG, doomed)]
    for (const id of ids) await begun(id, doomed)
    expect((await load()).running).toBe(2)
    await doomed.kill('SIGKILL')
    await idle()
    expect(await outcomes('aborted')).toBe(before + 2)
  })

  it('while it waits leaves the queue', async () => {
    const others = await Promise.all([pairedDevice(), pairedDevice()])
    const before = await outcomes('aborted')
    const ids = others.flatMap((one) => [ask(LONG, one), ask(LONG, one)])
    await Promise.all(ids.map((id, i) => begun(id, others[i >> 1])))
    const waiting = ask(LONG)
    await device.event('event', (event) => event.id === waiting && event.event.type === 'begin')
    await expect.poll(async () => (await load()).queued, { timeout: 30_000 }).toBe(1)
    device.send({ type: 'cancel', id: waiting })
    await expect.poll(async () => (await load()).queued, { timeout: 30_000 }).toBe(0)
    expect((await load()).running).toBe(4)
    await Promise.all(others.map((one) => one.kill('SIGKILL')))
    await idle()
    expect(await outcomes('aborted')).toBe(before + 5)
  })
})

describe('the Oracle', () => {
  it('takes four answers of one device at once, and says so to the fifth', async () => {
    const ids = Array.from({ length: 4 }, () => ask(LONG))
    await Promise.all(ids.map((id) => begun(id)))
    const { ended } = await answerOf(ask({ messages: user('Hello.') }))
    expect([ended.code, ended.retryAfterS]).toEqual(['rate_limit_exceeded', 1])
    for (const id of ids) device.send({ type: 'cancel', id })
    await Promise.all(ids.map((id) => answerOf(id)))
    await idle()
    expect((await answerOf(ask({ messages: user('Hello.'), maxTokens: 2 }))).ended.code).toBeNull()
  })

  it('is reached by nobody else’s protocol under this name', async () => {
    expect(GENERATE_PROTOCOL).toBe('/shard/generate/1.0.0')
    const visitor = await Attacker.start(await processes.folder(), tcp)
    try {
      const identified = new Promise<readonly string[]>((resolve) => {
        visitor.node.addEventListener('peer:identify', ({ detail }) => resolve(detail.protocols))
      })
      await visitor.dial()
      expect(await identified).toEqual(expect.arrayContaining([GENERATE_PROTOCOL, '/shard/pair/1.0.0']))
    } finally {
      await visitor.stop()
    }
  })

  it('tells who is being answered when it shuts down', async () => {
    const id = ask(LONG)
    await begun(id)
    await oracle.stop()
    const { ended } = await answerOf(id)
    expect([ended.code, ended.retryAfterS]).toEqual(['shutting_down', 5])
    expect((await answerOf(ask({ messages: user('Hello.') }))).ended.code).toBe('unreachable')
  })
})
