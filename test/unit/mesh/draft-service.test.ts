import { generateKeyPair } from '@libp2p/crypto/keys'
import type { Connection, Stream } from '@libp2p/interface'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { streamPair } from '@libp2p/utils'
import { describe, expect, it } from 'vitest'
import { DraftService, type DraftServiceEvents } from '../../../native-host/mesh/draft-service.ts'
import { FaultBook } from '../../../native-host/mesh/fault-book.ts'
import { SILENT } from '../../../shared/log.ts'
import type { MeshNode } from '../../../shared/mesh/node-options.ts'
import { FrameStream } from '../../../shared/protocol/frame-stream.ts'
import { encodeFrame, type OracleFrame, parseOracleFrame } from '../../../shared/protocol/frames.ts'
import { LIMITS } from '../../../shared/protocol/limits.ts'
import { WORK_TOPIC } from '../../../shared/protocol/names.ts'
import { type Offer, parseOffer } from '../../../shared/protocol/offers.ts'
import { TOY_VOCAB } from '../../support/toy-engine.ts'

const TARGET = { model: 't', draftModel: 'd', tokenizerHash: '77'.repeat(32), vocabSize: TOY_VOCAB }
const claim = {
  draftModel: 'd',
  tokenizerHash: TARGET.tokenizerHash,
  capacity: 1,
  speed: 0,
  job: null,
  contextLength: 64,
}

/** A service on a node of which only what it uses is there; peers are streams in this process. */
async function service(options: { scope?: 'own' | 'swarm'; paired?: string[]; subscribers?: string[] } = {}) {
  const privateKey = await generateKeyPair('Ed25519')
  let accept: (stream: Stream, connection: Connection) => void = () => {}
  const offers: Offer[] = []
  const node = {
    peerId: peerIdFromPrivateKey(privateKey),
    handle: async (_protocol: string, handler: typeof accept) => {
      accept = handler
    },
    getMultiaddrs: () => [],
    services: {
      gossip: {
        getSubscribers: () => options.subscribers ?? [],
        publish: async (topic: string, data: Uint8Array) => {
          if (topic === WORK_TOPIC) offers.push(parseOffer(data))
          return { recipients: [] }
        },
      },
    },
  }
  const events: string[] = []
  const listeners: DraftServiceEvents = {
    joined: (worker) => events.push(`joined ${worker.id}`),
    left: (worker, reason) => events.push(`left ${worker.id} ${reason}`),
    refused: (peerId, reason) => events.push(`refused ${peerId} ${reason}`),
  }
  const paired = new Set(options.paired ?? [])
  const draft = new DraftService({
    node: node as unknown as MeshNode,
    privateKey,
    scope: options.scope ?? 'swarm',
    paired: () => paired,
    faults: new FaultBook(),
    log: SILENT,
    events: listeners,
  })
  await draft.start()
  draft.setTargets([TARGET])

  /** A Scout that claims; resolves with the answer. */
  const scout = async (peerId: string, hash = TARGET.tokenizerHash) => {
    const [near, far] = await streamPair()
    const frames: OracleFrame[] = []
    let wake = () => {}
    const stream = new FrameStream(near, LIMITS.oracleFrameBytes, {
      frame(data) {
        const frame = parseOracleFrame(data, TOY_VOCAB)
        if (frame) frames.push(frame)
        wake()
      },
      closed: () => {},
    })
    const next = async (): Promise<OracleFrame> => {
      for (;;) {
        const frame = frames.shift()
        if (frame) return frame
        await new Promise<void>((resolve) => {
          wake = resolve
        })
      }
    }
    const close = async () => {}
    accept(far, { remotePeer: { toString: () => peerId }, close } as unknown as Connection)
    stream.send(encodeFrame({ type: 'claim', claim: { ...claim, tokenizerHash: hash } }))
    const frame = await next()
    return { answer: frame.type === 'refuse' ? frame.reason : frame.type, stream, next }
  }
  return { draft, scout, events, offers }
}

const need = { wanted: 2, scope: 'swarm', contextLength: 256, expectedTokens: 64 } as const

describe('the standing pool', () => {
  it('takes whoever fits, and says why not', async () => {
    const { draft, scout, events } = await service({ scope: 'own', paired: ['mine'] })
    let changes = 0
    const off = draft.onChange(() => changes++)
    expect((await scout('mine')).answer).toBe('welcome')
    expect((await scout('theirs')).answer).toBe('not-paired')
    expect((await scout('mine', '88'.repeat(32))).answer).toBe('tokenizer')
    expect(draft.workers().map(({ id, own }) => [id, own])).toEqual([['mine', true]])
    expect(changes).toBe(1)
    off()
    draft.setTargets([])
    expect(draft.workers()).toEqual([])
    expect((await scout('mine')).answer).toBe('not-ready')
    expect(changes).toBe(1)
    expect(events[0]).toBe('joined mine')
  })

  it('keeps whoever fits the next model, and tells the others why not', async () => {
    const other = { ...TARGET, model: 'other', tokenizerHash: '99'.repeat(32) }
    const { draft, scout, events } = await service()
    const fits = await scout('fits')
    draft.setTargets([{ ...TARGET, model: 'next' }])
    expect(await fits.next()).toEqual({ type: 'welcome', targetModel: 'next' })
    expect(draft.workers().map(({ id }) => id)).toEqual(['fits'])
    draft.setTargets([other])
    expect(await fits.next()).toEqual({ type: 'refuse', assignment: 0, reason: 'tokenizer' })
    await expect.poll(() => events).toContain('left fits tokenizer')
    expect(draft.workers()).toEqual([])
  })

  it('with two models at once, has a pool for each tokenizer', async () => {
    const other = { ...TARGET, model: 'other', tokenizerHash: '99'.repeat(32) }
    const { draft, scout, offers } = await service({ subscribers: ['a'] })
    draft.setTargets([other, TARGET])
    expect((await scout('one')).answer).toBe('welcome')
    expect((await scout('two', other.tokenizerHash)).answer).toBe('welcome')
    const ids = (hash: string) =>
      draft
        .poolFor(hash)
        .workers()
        .map(({ id }) => id)
    expect([ids(TARGET.tokenizerHash), ids(other.tokenizerHash)]).toEqual([['one'], ['two']])
    draft.poolFor(other.tokenizerHash).recruit(need)
    expect(offers).toMatchObject([{ targetModel: 'other', tokenizerHash: other.tokenizerHash }])
    draft.setTargets([TARGET])
    expect([ids(TARGET.tokenizerHash), ids(other.tokenizerHash)]).toEqual([['one'], []])
  })

  it('has a limit, and room for the owner’s own whatever strangers do', async () => {
    const { draft, scout, events } = await service({ paired: ['mine'] })
    for (let i = 0; i < LIMITS.poolWorkers; i++) expect((await scout(`s${i}`)).answer).toBe('welcome')
    expect((await scout('one too many')).answer).toBe('full')
    expect((await scout('mine')).answer).toBe('welcome')
    const ids = draft.workers().map(({ id }) => id)
    expect(ids.length).toBe(LIMITS.poolWorkers)
    expect(ids).toContain('mine')
    expect(events).toContain(`left s${LIMITS.poolWorkers - 1} left`)
    // Whoever is in it may come again.
    expect((await scout('s0')).answer).toBe('welcome')
    expect(draft.workers().length).toBe(LIMITS.poolWorkers)
  })
})

describe('recruiting', () => {
  it('offers once a second at most, to nobody when all who listen are here', async () => {
    const { draft, scout, offers } = await service({ subscribers: ['a', 'b'] })
    draft.poolFor(TARGET.tokenizerHash).recruit(need)
    draft.poolFor(TARGET.tokenizerHash).recruit(need)
    expect(offers).toMatchObject([{ wanted: 2, contextLength: 256, listeners: 2, deadlineMs: 30_000 }])
    const { draft: full, scout: join, offers: none } = await service({ subscribers: ['a'] })
    await join('a')
    full.poolFor(TARGET.tokenizerHash).recruit(need)
    expect(none).toEqual([])
    expect((await scout('a')).answer).toBe('welcome')
  })

  it.each([
    ['swarm', 'none', ['mine', 'theirs'], 0],
    ['swarm', 'own', ['theirs'], 0],
    ['swarm', 'own', ['mine', 'theirs'], 1],
    ['own', 'swarm', ['theirs'], 0],
    ['own', 'own', ['mine'], 1],
    ['swarm', 'swarm', [], 0],
  ] as const)('node %s, request %s, heard by %j: %i offers', async (scope, wanted, subscribers, count) => {
    const { draft, offers } = await service({ scope, paired: ['mine'], subscribers: [...subscribers] })
    draft.poolFor(TARGET.tokenizerHash).recruit({ ...need, scope: wanted })
    expect(offers.length).toBe(count)
  })

  it('brings every number within the limits of an Offer', async () => {
    const { draft, offers } = await service({ subscribers: ['a'] })
    draft
      .poolFor(TARGET.tokenizerHash)
      .recruit({ wanted: 999.5, scope: 'swarm', contextLength: -1, expectedTokens: 10 ** 9 })
    expect(offers).toMatchObject([
      { wanted: LIMITS.wanted, contextLength: 1, expectedTokens: LIMITS.contextTokens },
    ])
  })
})
