import { streamPair } from '@libp2p/utils'
import { describe, expect, it } from 'vitest'
import { RemoteWorker } from '../../../native-host/mesh/remote-worker.ts'
import type { Assignment, DraftFrame } from '../../../shared/drafter/draft-worker.ts'
import { EngineDrafter } from '../../../shared/drafter/engine-drafter.ts'
import { LocalWorker } from '../../../shared/drafter/local-worker.ts'
import { ScoutSession, type ScoutSessionHandlers } from '../../../shared/drafter/scout-session.ts'
import { FrameStream } from '../../../shared/protocol/frame-stream.ts'
import {
  encodeFrame,
  parseOracleFrame,
  parseScoutFrame,
  type ScoutClaim,
} from '../../../shared/protocol/frames.ts'
import { LIMITS } from '../../../shared/protocol/limits.ts'
import { GREEDY } from '../../../shared/verify/settings.ts'
import { TOY_VOCAB, ToyEngine, toyText } from '../../support/toy-engine.ts'

const KEY = { lo: 3, hi: 4 }
const claim: ScoutClaim = {
  draftModel: 'toy',
  tokenizerHash: '77'.repeat(32),
  capacity: 2,
  speed: 0,
  job: null,
  contextLength: 4096,
}
const assignment = (id: number, more: Partial<Assignment> = {}): Assignment => ({
  id,
  context: [1, 2, 3],
  promptLength: 3,
  settings: GREEDY,
  key: KEY,
  window: 4,
  endPosition: 100,
  stopTokens: [],
  ...more,
})

/** A Scout's session and what the other side hears and says. */
async function session(engine: ToyEngine, handlers: ScoutSessionHandlers = {}) {
  const [near, far] = await streamPair()
  const heard: NonNullable<ReturnType<typeof parseScoutFrame>>[] = []
  const waiting = new Set<() => void>()
  let ended: Error | null | undefined
  const notify = () => {
    for (const look of waiting) look()
  }
  const oracle = new FrameStream(far, LIMITS.scoutFrameBytes, {
    frame(data) {
      const frame = parseScoutFrame(data, TOY_VOCAB)
      if (frame) heard.push(frame)
      notify()
    },
    closed(error) {
      ended = error
      notify()
    },
  })
  const until = (condition: () => boolean) =>
    new Promise<void>((resolve) => {
      const look = () => {
        if (!condition()) return
        waiting.delete(look)
        resolve()
      }
      waiting.add(look)
      look()
    })
  const scout = new ScoutSession(near, new EngineDrafter(engine), claim, handlers)
  const drafted = (id: number) =>
    heard.flatMap((frame) => (frame.type === 'draft' && frame.assignment === id ? frame.frame.tokens : []))
  return { scout, oracle, heard, until, drafted, ended: () => ended, far }
}

describe('ScoutSession', () => {
  it('claims, drafts several assignments up to their windows, and frees what is done', async () => {
    const engine = new ToyEngine()
    const { oracle, heard, until, drafted, scout } = await session(engine)
    await until(() => heard.length > 0)
    expect(heard[0]).toEqual({ type: 'claim', claim })
    for (const id of [1, 2]) oracle.send(encodeFrame({ type: 'assign', assignment: assignment(id) }))
    await until(() => drafted(1).length === 4 && drafted(2).length === 4)
    expect(drafted(1)).toEqual(toyText([1, 2, 3], KEY, 4))
    expect(scout.assignments).toBe(2)
    const account = { drafted: 4, accepted: 4, seconds: 1 }
    const receipt = new Uint8Array(0)
    oracle.send(encodeFrame({ type: 'done', assignment: 1, reason: 'finished', account, receipt }))
    const frame = { epoch: 1, position: 3, tokens: toyText([1, 2, 3], KEY, 2) }
    oracle.send(encodeFrame({ type: 'verified', assignment: 2, frame }))
    await until(() => drafted(2).length === 6)
    expect(drafted(2)).toEqual(toyText([1, 2, 3], KEY, 6))
    expect(scout.assignments).toBe(1)
    expect(scout.drafted).toBe(10)
    scout.close()
    await until(() => oracle.open === false)
  })

  it('gives back what is beyond its capacity, and what its model fails at', async () => {
    const engine = new ToyEngine({ contextLength: 8 })
    const { oracle, heard, until } = await session(engine)
    for (const id of [1, 2, 3])
      oracle.send(encodeFrame({ type: 'assign', assignment: assignment(id, { window: 16 }) }))
    const refused = () =>
      heard.flatMap((frame) => (frame.type === 'refuse' ? [[frame.assignment, frame.reason]] : []))
    // The model's context ends long before the assignments'.
    await until(() => refused().length === 3)
    expect(refused().sort()).toEqual([
      [1, 'context-full'],
      [2, 'context-full'],
      [3, 'busy'],
    ])
    expect(engine.open).toBe(0)
    oracle.close()
  })

  it.each([
    ['garbage', (stream: FrameStream) => stream.send(Uint8Array.from([255, 255, 255]))],
    [
      'an assignment twice',
      (stream: FrameStream) => {
        stream.send(encodeFrame({ type: 'assign', assignment: assignment(1) }))
        stream.send(encodeFrame({ type: 'assign', assignment: assignment(1) }))
      },
    ],
    [
      'Verified that leaves a gap',
      (stream: FrameStream) => {
        stream.send(encodeFrame({ type: 'assign', assignment: assignment(1) }))
        const frame = { epoch: 1, position: 9, tokens: [1] }
        stream.send(encodeFrame({ type: 'verified', assignment: 1, frame }))
      },
    ],
    ['a Scout’s message', (stream: FrameStream) => stream.send(encodeFrame({ type: 'claim', claim }))],
  ])('an Oracle that sends %s is left', async (_name, attack) => {
    const engine = new ToyEngine()
    let closed: Error | null | undefined
    const left = Promise.withResolvers<void>()
    const { oracle, heard, until } = await session(engine, {
      closed(error) {
        closed = error
        left.resolve()
      },
    })
    await until(() => heard.length > 0)
    attack(oracle)
    await left.promise
    expect(closed).toMatchObject({ name: 'ProtocolError' })
  })
})

describe('RemoteWorker', () => {
  const workerOver = (link: ConstructorParameters<typeof RemoteWorker>[0]['link']) =>
    new RemoteWorker({
      peerId: 'p',
      own: true,
      claim,
      vocabSize: () => TOY_VOCAB,
      link,
      receipt: async () => new Uint8Array(0),
    })

  it('merges Verified for a slow link, and drafts of merged epochs still fit', () => {
    const sent: ReturnType<typeof parseOracleFrame>[] = []
    const link = {
      open: true,
      ready: true,
      fits: () => true,
      send: (frame: Uint8Array) => void sent.push(parseOracleFrame(frame, TOY_VOCAB)),
    }
    const worker = workerOver(link)
    const drafts: DraftFrame[] = []
    const session = worker.assign(assignment(1), { draft: (frame) => void drafts.push(frame), closed() {} })
    worker.draft(1, { epoch: 0, position: 3, tokens: [10, 11] })
    link.ready = false
    session.verified({ epoch: 1, position: 3, tokens: [10] })
    session.verified({ epoch: 2, position: 4, tokens: [11, 12] })
    expect(sent.map((frame) => frame?.type)).toEqual(['assign'])
    link.ready = true
    worker.drained()
    const merged = { epoch: 2, position: 3, tokens: [10, 11, 12] }
    expect(sent[1]).toEqual({ type: 'verified', assignment: 1, frame: merged })
    worker.draft(1, { epoch: 2, position: 6, tokens: [13] })
    expect(drafts.length).toBe(2)
    expect(() => worker.draft(1, { epoch: 1, position: 7, tokens: [14] })).toThrow('epoch 1 after epoch 2')
  })

  it.each([
    ['a context longer than the Scout’s', { context: new Array(4096).fill(1), endPosition: 5000 }, 'context'],
    [
      'more biases than travel',
      { settings: { ...GREEDY, logitBias: new Array(1025).fill([1, 1]) } },
      'logit_bias',
    ],
    ['a token of another vocabulary', { context: [TOY_VOCAB], promptLength: 1 }, 'vocabulary'],
  ])('says no to %s, without a fault', async (_name, change, reason) => {
    const fits = () => reason !== 'slow'
    const link = { open: true, ready: true, fits, send: () => expect.unreachable('nothing is sent') }
    const worker = workerOver(link)
    const closed = await new Promise<[string, boolean]>((resolve) => {
      worker.assign(assignment(1, change as Partial<Assignment>), {
        draft() {},
        closed: (why, fault) => resolve([why, fault]),
      })
    })
    expect(closed).toEqual([expect.stringContaining(reason), false])
  })
})

describe('a Scout whose context ends before the request', () => {
  it('is asked for drafts up to there, and left when the text has got there', async () => {
    const sent: ReturnType<typeof parseOracleFrame>[] = []
    const send = (frame: Uint8Array) => void sent.push(parseOracleFrame(frame, TOY_VOCAB))
    const options = {
      peerId: 'p',
      own: true,
      vocabSize: () => TOY_VOCAB,
      link: { open: true, ready: true, fits: () => true, send },
    }
    const receipt = async () => new Uint8Array(0)
    const worker = new RemoteWorker({ ...options, claim: { ...claim, contextLength: 6 }, receipt })
    const closed = Promise.withResolvers<[string, boolean]>()
    const session = worker.assign(assignment(1), {
      draft() {},
      closed: (reason, fault) => closed.resolve([reason, fault]),
    })
    expect(sent[0]).toMatchObject({ type: 'assign', assignment: { endPosition: 6 } })
    expect(() => worker.draft(1, { epoch: 0, position: 3, tokens: [1, 2, 3, 4] })).toThrow('the end is 6')
    session.verified({ epoch: 1, position: 3, tokens: [1, 2] })
    session.verified({ epoch: 2, position: 5, tokens: [3, 4] })
    expect(await closed.promise).toEqual(['context', false])
    session.done('reassigned', { drafted: 0, accepted: 0, seconds: 0 })
    await expect.poll(() => sent.at(-1)).toMatchObject({ type: 'done', reason: 'reassigned' })
  })
})

describe('LocalWorker', () => {
  it('drafts in this process as a Scout would, and stops when told', async () => {
    const engine = new ToyEngine()
    const worker = new LocalWorker(new EngineDrafter(engine))
    const tokens: number[] = []
    const session = worker.assign(assignment(1), {
      draft(frame) {
        tokens.push(...frame.tokens)
      },
      closed: (reason) => expect.unreachable(reason),
    })
    // Before its sequence is open.
    session.verified({ epoch: 1, position: 3, tokens: toyText([1, 2, 3], KEY, 2) })
    await expect.poll(() => tokens.length).toBe(4)
    expect(tokens).toEqual(toyText([1, 2, 3], KEY, 6).slice(2))
    session.done('finished', { drafted: 4, accepted: 4, seconds: 0 })
    await expect.poll(() => engine.open).toBe(0)
  })

  it('reports what its model fails at', async () => {
    const engine = new ToyEngine({ maxSequences: 0 })
    const closed = await new Promise<[string, boolean]>((resolve) => {
      new LocalWorker(new EngineDrafter(engine)).assign(assignment(1), {
        draft() {},
        closed: (reason, fault) => resolve([reason, fault]),
      })
    })
    expect(closed).toEqual(['toy is full', false])
  })
})
