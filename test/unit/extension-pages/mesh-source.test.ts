import { describe, expect, it } from 'vitest'
import { NO_HOST } from '../../../entrypoints/background/state.ts'
import type { AskOptions, ChatEvent, ChatSource } from '../../../entrypoints/chat/source/chat-source.ts'
import { ExtensionSource } from '../../../entrypoints/chat/source/extension-source.ts'
import type { FromMesh, MeshOracleFacts, ToMesh } from '../../../entrypoints/chat/source/mesh-port.ts'
import { type MeshPort, MeshSource } from '../../../entrypoints/chat/source/mesh-source.ts'
import { ExtensionFeed } from '../../../entrypoints/pages/extension-feed.ts'
import { FakePlatform } from './fake-platform.ts'
import { attached, oracle, PEER_A } from './states.ts'

const OPTIONS: AskOptions = { model: null, temperature: 0.5, maxTokens: 9, seed: '4', scope: null }
const TURNS = [{ role: 'user', content: 'Hello' }] as const
const USAGE = { promptTokens: 3, tokens: 2, accepted: 1, rejected: 1 }
const FACTS: MeshOracleFacts = {
  oracle: PEER_A,
  transport: 'webrtc-direct',
  model: 'Target',
  modelId: 'target',
  contextLength: 512,
  scope: 'own',
  scouts: 2,
}

/** The other end of the port: keeps what it is asked, answers as told. */
class FakePort implements MeshPort {
  readonly asked: ToMesh[] = []
  isClosed = false
  answer: (message: ToMesh, say: (message: FromMesh) => void) => void = () => {}
  readonly #messages: ((message: FromMesh) => void)[] = []
  readonly #closes: (() => void)[] = []
  #waiting: { readonly type: ToMesh['type']; readonly resolve: () => void }[] = []

  post(message: ToMesh): void {
    this.asked.push(message)
    for (const { type, resolve } of this.#waiting) if (type === message.type) resolve()
    this.answer(message, (answer) => this.say(answer))
  }

  /** Resolves with the next message of this type. */
  async next(type: ToMesh['type']): Promise<void> {
    await new Promise<void>((resolve) => this.#waiting.push({ type, resolve }))
  }

  say(message: FromMesh): void {
    for (const listener of this.#messages) listener(message)
  }

  lose(): void {
    for (const listener of this.#closes) listener()
  }

  onMessage(listener: (message: FromMesh) => void): void {
    this.#messages.push(listener)
  }

  onClose(listener: () => void): void {
    this.#closes.push(listener)
  }

  close(): void {
    this.isClosed = true
  }
}

function meshOf(...ports: FakePort[]) {
  let opened = 0
  const source = new MeshSource(
    async () => {
      const port = ports[opened++]
      if (!port) throw new Error('no node')
      return port
    },
    () => [oracle(PEER_A)],
  )
  return { source, opened: () => opened }
}

async function all(source: ChatSource, signal = new AbortController().signal): Promise<ChatEvent[]> {
  const events: ChatEvent[] = []
  for await (const event of source.ask(TURNS, OPTIONS, signal)) events.push(event)
  return events
}

const whole = (message: ToMesh, say: (message: FromMesh) => void) => {
  if (message.type === 'info') say({ type: 'info', id: message.id, facts: FACTS })
  if (message.type !== 'ask') return
  const { id } = message
  say({ type: 'begin', id, oracle: PEER_A, scope: 'own', seed: '4' })
  say({ type: 'pieces', id: id + 100, pieces: [['somebody else’s', null]] })
  say({ type: 'pieces', id, pieces: [['Well', PEER_A]] })
  say({ type: 'end', id, reason: 'stop', usage: USAGE })
}

describe('chat over the mesh', () => {
  it('asks over one port, passes on its own answer, and says who answers', async () => {
    const port = new FakePort()
    port.answer = whole
    const { source, opened } = meshOf(port)
    expect(await all(source)).toEqual([
      { type: 'begin', oracle: PEER_A, scope: 'own', seed: '4' },
      { type: 'pieces', pieces: [['Well', PEER_A]] },
      { type: 'end', reason: 'stop', usage: USAGE },
    ])
    const facts = await source.node(new AbortController().signal)
    expect(facts).toMatchObject({
      model: 'Target',
      where: { oracle: PEER_A, transport: 'webrtc-direct' },
      scouts: 2,
    })
    expect(port.asked).toEqual([
      { type: 'ask', id: 1, oracles: [oracle(PEER_A)], turns: TURNS, options: OPTIONS },
      { type: 'info', id: 2, oracles: [oracle(PEER_A)] },
    ])
    expect(opened()).toBe(1)
  })

  it('stops when the reader does, before an answer and in one', async () => {
    const port = new FakePort()
    const { source } = meshOf(port)
    for (const hasBegun of [false, true]) {
      const stop = new AbortController()
      const asked = port.next('ask')
      const answer = all(source, stop.signal)
      await asked
      const { id } = port.asked.at(-1)!
      if (hasBegun) port.say({ type: 'begin', id, oracle: PEER_A, scope: 'own', seed: '1' })
      stop.abort()
      await expect(answer).rejects.toThrow(expect.objectContaining({ name: 'AbortError' }))
      expect(port.asked.at(-1)).toEqual({ type: 'stop', id })
    }
  })

  it('throws what the mesh says went wrong', async () => {
    const port = new FakePort()
    port.answer = ({ id }, say) =>
      say({ type: 'error', id, kind: 'overloaded', message: 'full', retryAfterS: 7 })
    const { source } = meshOf(port)
    await expect(all(source)).rejects.toMatchObject({ kind: 'overloaded', message: 'full', retryAfterS: 7 })
    expect(port.asked).toHaveLength(1)
  })

  it('is gone when the node is closed or does not start, interrupted when an answer had begun, and comes back', async () => {
    const lost = [new FakePort(), new FakePort()]
    const last = new FakePort()
    last.answer = whole
    const { source, opened } = meshOf(...lost, last)
    lost[0]!.answer = () => lost[0]!.lose()
    await expect(all(source)).rejects.toMatchObject({ kind: 'gone' })
    lost[1]!.answer = ({ id }, say) => {
      say({ type: 'begin', id, oracle: PEER_A, scope: 'own', seed: '1' })
      lost[1]!.lose()
    }
    await expect(all(source)).rejects.toMatchObject({ kind: 'interrupted' })
    expect(await all(source)).toHaveLength(3)
    expect(opened()).toBe(3)
    await expect(all(meshOf().source)).rejects.toMatchObject({ kind: 'gone' })
  })

  it('closes its port when another source takes over, but not under an answer', async () => {
    const port = new FakePort()
    const { source } = meshOf(port)
    const asked = port.next('ask')
    const answer = all(source)
    await asked
    source.rest()
    expect(port.isClosed).toBe(false)
    port.say({ type: 'end', id: 1, reason: 'stop', usage: USAGE })
    await answer
    await Promise.resolve()
    expect(port.isClosed).toBe(true)
  })
})

describe('chat in the extension', () => {
  async function extension(stored: Record<string, unknown>, port = new FakePort()) {
    const platform = new FakePlatform()
    platform.stored = stored
    const feed = new ExtensionFeed(platform)
    await feed.open()
    const { source: mesh, opened } = meshOf(port)
    return { platform, source: new ExtensionSource(feed, mesh), port, opened }
  }

  it('says so when there is nobody to ask', async () => {
    const { platform, source, opened } = await extension({})
    platform.hearHost(NO_HOST)
    await expect(all(source)).rejects.toMatchObject({ kind: 'no-oracle' })
    await expect(source.node(new AbortController().signal)).rejects.toMatchObject({ kind: 'no-oracle' })
    expect(opened()).toBe(0)
  })

  it('goes to the local Oracle with its token while there is one, else to the mesh', async () => {
    const { platform, source, port } = await extension({ oracles: [oracle(PEER_A)] })
    port.answer = whole
    let changes = 0
    const leave = source.onChange(() => changes++)
    platform.hearHost(NO_HOST)
    expect(await all(source)).toHaveLength(3)
    expect(source.lookEveryMs).toBe(15_000)

    const asked: { url: string; key: string | null }[] = []
    const realFetch = globalThis.fetch
    globalThis.fetch = async (input, init) => {
      asked.push({ url: String(input), key: new Headers(init?.headers).get('authorization') })
      const loading = { id: 'alpha', state: 'loading', bytes: 200, resident_bytes: 50 }
      const health = { engine: { state: 'starting' }, model: null, models: [loading], workers: [] }
      const list = { data: [{ id: 'alpha', shard: { name: 'Alpha', state: 'loading' } }] }
      return Response.json(String(input).endsWith('/health') ? health : list)
    }
    try {
      platform.hearHost(attached())
      expect(changes).toBe(1)
      const facts = await source.node(new AbortController().signal)
      expect(facts).toMatchObject({
        where: 'local',
        model: null,
        models: [{ id: 'alpha', name: 'Alpha', isLoaded: false }],
        loading: { id: 'alpha', fraction: 0.25 },
      })
      expect(asked).toEqual(
        ['health', 'v1/models'].map((path) => ({
          url: `http://127.0.0.1:8080/${path}`,
          key: 'Bearer secret',
        })),
      )
      await Promise.resolve()
      expect(port.isClosed).toBe(true)
    } finally {
      globalThis.fetch = realFetch
    }
    // The same again is no change; gone is one.
    platform.hearHost(attached())
    expect(changes).toBe(1)
    platform.hearHost(NO_HOST)
    expect(changes).toBe(2)
    leave()
    platform.hearHost(attached())
    expect(changes).toBe(2)
  })
})
