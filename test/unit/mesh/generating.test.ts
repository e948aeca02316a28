import type { Stream } from '@libp2p/interface'
import { describe, expect, it, vi } from 'vitest'
import { AnswerStream } from '../../../native-host/mesh/answer-stream.ts'
import type { ChatService } from '../../../native-host/mesh/chat-service.ts'
import { FaultBook } from '../../../native-host/mesh/fault-book.ts'
import { GenerateService } from '../../../native-host/mesh/generate-service.ts'
import { SILENT } from '../../../shared/log.ts'
import { generate, nodeInfo } from '../../../shared/mesh/generate-client.ts'
import { OracleCallError } from '../../../shared/mesh/oracle-call-error.ts'
import {
  encodeGenerateFrame,
  type GenerateEvent,
  type GenerateRequest,
  type NodeInfo,
} from '../../../shared/protocol/generate-frames.ts'
import { LIMITS } from '../../../shared/protocol/limits.ts'
import { ClogStream } from '../../support/mesh/clog-stream.ts'
import { StubNode } from '../../support/mesh/stub-node.ts'

const INFO: NodeInfo = {
  model: 'Toy',
  modelId: 'toy',
  contextLength: 64,
  engine: 'reference',
  paceMs: 0,
  scope: 'own',
  slots: 4,
  running: 0,
  queued: 0,
  scouts: [],
}
const ASK: GenerateRequest = { messages: [{ role: 'user', content: 'Hello.' }] }
const BEGIN: GenerateEvent = { type: 'begin', model: 'toy', scope: 'own', seed: '-7' }
const END: GenerateEvent = {
  type: 'end',
  reason: 'length',
  usage: { promptTokens: 3, cachedTokens: 0, tokens: 2, accepted: 1, rejected: 0 },
}
const word = (text: string, by: string | null = null): GenerateEvent => ({
  type: 'pieces',
  pieces: [[text, by]],
})
const EVENTS = [BEGIN, word('Once '), word('upon', 'scout'), END]
const never = new AbortController().signal

type Answer = (request: GenerateRequest, signal: AbortSignal) => AsyncIterable<GenerateEvent>

async function* all(): AsyncGenerator<GenerateEvent> {
  yield* EVENTS
}

/** Begins, and goes on until its reader leaves; says how many are under way. */
function endless() {
  const running = { count: 0 }
  const answer: Answer = async function* (_request, signal) {
    running.count++
    try {
      yield BEGIN
      await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
      throw new Error('cancelled')
    } finally {
      running.count--
    }
  }
  return { answer, running }
}

async function service(answer: Answer = all, ready = true) {
  const stub = new StubNode()
  const own = new Set(['mine'])
  const faults: string[] = []
  const chat: ChatService = {
    info: () => INFO,
    answer,
    failure: (error) => ({ code: 'broken', message: (error as Error).message, retryAfterS: 3 }),
  }
  const answers = new GenerateService({
    node: stub.node,
    isOwn: (peerId) => own.has(peerId),
    faults: new FaultBook(),
    log: SILENT,
    events: { fault: (peerId, code) => faults.push(`${peerId} ${code}`) },
  })
  await answers.start()
  if (ready) answers.setChat(chat)
  return { stub, own, faults, answers, chat }
}

async function collect(events: AsyncIterable<GenerateEvent>): Promise<GenerateEvent[]> {
  const list: GenerateEvent[] = []
  for await (const event of events) list.push(event)
  return list
}

const codeOf = (promise: Promise<unknown>) =>
  promise.then(
    () => 'none',
    (error: unknown) => {
      expect(error).toBeInstanceOf(OracleCallError)
      return (error as OracleCallError).code
    },
  )

describe('/shard/generate', () => {
  it('answers its owner’s own, word for word', async () => {
    const asked: GenerateRequest[] = []
    const { stub } = await service((request) => {
      asked.push(request)
      return all()
    })
    const connection = stub.connect('mine')
    expect(await nodeInfo(connection, { signal: never })).toEqual(INFO)
    expect(await collect(generate(connection, ASK, { signal: never }))).toEqual(EVENTS)
    expect(asked).toEqual([ASK])
  })

  it('tells everybody else that they are not paired, before it reads what they want', async () => {
    const asked = vi.fn(all)
    const { stub, own, faults } = await service(asked)
    const stranger = stub.connect('stranger')
    expect(await codeOf(nodeInfo(stranger, { signal: never }))).toBe('not-paired')
    expect(await codeOf(collect(generate(stranger, ASK, { signal: never })))).toBe('not-paired')
    expect(asked).not.toHaveBeenCalled()
    expect(faults).toEqual([])
    own.add('stranger')
    expect(await collect(generate(stranger, ASK, { signal: never }))).toEqual(EVENTS)
  })

  it('says what went wrong, before the first word and after', async () => {
    const failing: Answer = async function* () {
      yield BEGIN
      yield word('Once ')
      throw new Error('out of tokens')
    }
    const { stub, answers } = await service(failing)
    const seen: GenerateEvent[] = []
    const error = await (async () => {
      for await (const event of generate(stub.connect('mine'), ASK, { signal: never })) seen.push(event)
    })().catch((one: unknown) => one)
    expect(seen).toEqual([BEGIN, word('Once ')])
    expect(error).toMatchObject({ code: 'broken', message: 'out of tokens', retryAfterS: 3 })
    answers.setChat(null)
    expect(await codeOf(nodeInfo(stub.connect('mine'), { signal: never }))).toBe('engine_not_ready')
    expect(await codeOf(collect(generate(stub.connect('mine'), ASK, { signal: never })))).toBe(
      'engine_not_ready',
    )
  })

  it('ends the answer when its reader leaves, or cancels', async () => {
    const { answer, running } = endless()
    const { stub, faults } = await service(answer)
    for await (const event of generate(stub.connect('mine'), ASK, { signal: never })) {
      expect(event).toEqual(BEGIN)
      expect(running.count).toBe(1)
      break
    }
    await vi.waitFor(() => expect(running.count).toBe(0))
    const cancel = new AbortController()
    const reason = new Error('the user pressed stop')
    const events = generate(stub.connect('mine'), ASK, { signal: cancel.signal })
    expect((await events.next()).value).toEqual(BEGIN)
    cancel.abort(reason)
    await expect(events.next()).rejects.toBe(reason)
    await vi.waitFor(() => expect(running.count).toBe(0))
    expect(faults).toEqual([])
  })

  it('takes so many answers of one peer at once, and says so beyond', async () => {
    const { answer, running } = endless()
    const { stub } = await service(answer)
    const open = Array.from({ length: LIMITS.answersPerPeer }, () =>
      generate(stub.connect('mine'), ASK, { signal: never }),
    )
    for (const one of open) expect((await one.next()).value).toEqual(BEGIN)
    expect(running.count).toBe(LIMITS.answersPerPeer)
    expect(await codeOf(collect(generate(stub.connect('mine'), ASK, { signal: never })))).toBe(
      'rate_limit_exceeded',
    )
    // How it is may be asked at any time.
    expect(await nodeInfo(stub.connect('mine'), { signal: never })).toEqual(INFO)
    await open[0]!.return()
    await vi.waitFor(() => expect(running.count).toBe(LIMITS.answersPerPeer - 1))
    const next = generate(stub.connect('mine'), ASK, { signal: never })
    expect((await next.next()).value).toEqual(BEGIN)
    for (const one of [...open, next]) await one.return()
  })

  it('takes so many requests a minute, and more streams than any page opens are a fault', async () => {
    vi.spyOn(performance, 'now').mockReturnValue(0)
    try {
      const { stub, faults } = await service()
      const ask = () => codeOf(collect(generate(stub.connect('mine'), ASK, { signal: never })))
      for (let i = 0; i < LIMITS.requestsPerMinute; i++) expect(await ask()).toBe('none')
      expect(await ask()).toBe('rate_limit_exceeded')
      const left = LIMITS.generateStreamsPerMinute - LIMITS.requestsPerMinute - 1
      for (let i = 0; i < left; i++) await nodeInfo(stub.connect('mine'), { signal: never })
      expect(faults).toEqual([])
      expect(await codeOf(nodeInfo(stub.connect('mine'), { signal: never }))).toBe('interrupted')
      expect(faults).toEqual(['mine RATE'])
    } finally {
      vi.restoreAllMocks()
    }
  })

  it('tells its readers when it stops, and when a device is removed', async () => {
    const { answer, running } = endless()
    const { stub, answers, own } = await service(answer)
    const removed = generate(stub.connect('mine'), ASK, { signal: never })
    await removed.next()
    own.delete('mine')
    answers.letGo('mine')
    expect(await codeOf(removed.next())).toBe('not-paired')
    own.add('mine')
    const stopped = generate(stub.connect('mine'), ASK, { signal: never })
    await stopped.next()
    await answers.stop()
    expect(running.count).toBe(0)
    expect(await codeOf(stopped.next())).toBe('shutting_down')
    expect(await codeOf(nodeInfo(stub.connect('mine'), { signal: never }))).toBe('unsupported')
  })
})

describe('an answer', () => {
  it('is asked for as fast as its reader takes it, and not faster', async () => {
    const clog = new ClogStream()
    const stream = new AnswerStream(clog as unknown as Stream, { question() {}, closed() {} })
    let asked = 0
    const piped = stream.pipe(
      (async function* () {
        for (let i = 0; i < 4; i++) {
          asked++
          yield word(`${i}`)
        }
      })(),
    )
    clog.writableNeedsDrain = true
    await vi.waitFor(() => expect(clog.sent.length).toBe(1))
    for (let i = 0; i < 20; i++) await Promise.resolve()
    expect([asked, clog.sent.length]).toEqual([1, 1])
    await clog.drain(true)
    for (let i = 0; i < 20; i++) await Promise.resolve()
    expect([asked, clog.sent.length]).toEqual([1, 1])
    await clog.drain(false)
    await piped
    expect([asked, clog.sent.length]).toEqual([4, 4])
  })

  it('of a reader that is gone ends at once, even while it waits', async () => {
    const clog = new ClogStream()
    const ended: (Error | null)[] = []
    const stream = new AnswerStream(clog as unknown as Stream, {
      question() {},
      closed: (error) => ended.push(error),
    })
    let left = false
    const piped = stream.pipe(
      (async function* () {
        try {
          for (;;) yield word('again ')
        } finally {
          left = true
        }
      })(),
    )
    clog.writableNeedsDrain = true
    await vi.waitFor(() => expect(clog.sent.length).toBe(1))
    clog.dispatchEvent(Object.assign(new Event('close'), { error: new Error('reset') }))
    await piped
    expect([left, stream.signal.aborted, ended.length]).toEqual([true, true, 1])
  })
})

describe('a client', () => {
  /** An Oracle that answers any question with these frames, and closes. */
  function oracle(...frames: Uint8Array[]) {
    const stub = new StubNode()
    void stub.node.handle('/shard/generate/1.0.0', (stream) => {
      for (const frame of frames) stream.send(Uint8Array.from([frame.byteLength & 0x7f, ...frame]))
      void stream.close()
    })
    return stub.connect('oracle')
  }
  const begin = encodeGenerateFrame(BEGIN)
  const end = encodeGenerateFrame(END as never)
  const pieces = encodeGenerateFrame({ type: 'pieces', pieces: [['x', null]] })

  it.each<[string, string, Uint8Array[]]>([
    ['nothing', 'interrupted', []],
    ['only a beginning', 'interrupted', [begin, pieces]],
    ['pieces without a beginning', 'protocol', [pieces, end]],
    ['an end without a beginning', 'protocol', [end]],
    ['two beginnings', 'protocol', [begin, begin]],
    ['garbage', 'protocol', [begin, Uint8Array.from([0xff, 0xff, 0xff])]],
    ['a question', 'protocol', [encodeGenerateFrame({ type: 'info-request' })]],
    ['facts about itself', 'protocol', [encodeGenerateFrame({ type: 'info', info: INFO })]],
  ])('that gets %s says so', async (_name, code, frames) => {
    expect(await codeOf(collect(generate(oracle(...frames), ASK, { signal: never })))).toBe(code)
  })

  it('that asks for facts and gets an answer says so', async () => {
    expect(await codeOf(nodeInfo(oracle(end), { signal: never }))).toBe('protocol')
    expect(await codeOf(nodeInfo(oracle(), { signal: never }))).toBe('interrupted')
  })

  it('does not send what no Oracle would read', async () => {
    const content = 'x'.repeat(LIMITS.generateRequestBytes)
    const asked = generate(oracle(), { messages: [{ role: 'user', content }] }, { signal: never })
    expect(await codeOf(collect(asked))).toBe('request_too_large')
  })

  it('gives up on an Oracle that says nothing', async () => {
    vi.useFakeTimers()
    try {
      const stub = new StubNode()
      void stub.node.handle('/shard/generate/1.0.0', () => {})
      const asked = codeOf(nodeInfo(stub.connect('oracle'), { signal: never }))
      await vi.advanceTimersByTimeAsync(LIMITS.answerDeadlineMs + 1000)
      expect(await asked).toBe('timeout')
    } finally {
      vi.useRealTimers()
    }
  })

  it('does not gather without end what its reader does not take', async () => {
    const stub = new StubNode()
    let aborted = false
    void stub.node.handle('/shard/generate/1.0.0', async (stream) => {
      stream.addEventListener('close', () => {
        aborted = true
      })
      const send = (frame: Uint8Array) => {
        const { byteLength } = frame
        const length = byteLength < 128 ? [byteLength] : [(byteLength & 0x7f) | 0x80, byteLength >> 7]
        stream.send(Uint8Array.from([...length, ...frame]))
      }
      send(begin)
      const long = encodeGenerateFrame({ type: 'pieces', pieces: [['x'.repeat(4000), null]] })
      while (!aborted) {
        send(long)
        await new Promise((resolve) => setImmediate(resolve))
      }
    })
    const events = generate(stub.connect('oracle'), ASK, { signal: never })
    await events.next()
    await vi.waitFor(() => expect(aborted).toBe(true), { timeout: 20_000 })
    let read = 0
    const code = await codeOf(
      (async () => {
        for await (const event of events) if (event.type === 'pieces') read += event.pieces[0]![0].length
      })(),
    )
    expect(code).toBe('slow')
    expect(read).toBeLessThanOrEqual(LIMITS.answerQueueBytes + 4000)
    expect(read).toBeGreaterThan(LIMITS.answerQueueBytes / 2)
  })
})
