import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ensureIdentity } from '../../native-host/mesh/identity.ts'
import type { ScoutFrame } from '../../shared/protocol/frames.ts'
import { LIMITS } from '../../shared/protocol/limits.ts'
import { Frame } from '../../shared/protocol/messages.ts'
import { RESULT_TOPIC, WORK_TOPIC } from '../../shared/protocol/names.ts'
import { encodeOffer } from '../../shared/protocol/offers.ts'
import { signResult } from '../../shared/protocol/results.ts'
import { Attacker, type AttackStream, CLAIM } from '../support/mesh/attacker.ts'
import { MeshProcesses, type OracleProcess, TOY_TOKENIZER } from '../support/mesh/processes.ts'
import { TOY_VOCAB } from '../support/toy-engine.ts'

const processes = new MeshProcesses()
const attackers: Attacker[] = []
const PORTS = { host: '127.0.0.1', tcpPort: 0, webSocketPort: null, webRtcPort: null }

let oracle: OracleProcess
let address: string
let oracleId: string
let honestId: string

/** A new peer each time: three faults get one banned. */
async function attacker(): Promise<Attacker> {
  const one = await Attacker.start(await processes.folder(), address)
  attackers.push(one)
  return one
}

beforeAll(async () => {
  const home = await processes.folder()
  honestId = (await ensureIdentity(join(home, 'mesh'))).peerId
  oracle = await processes.oracle({
    directory: await processes.folder(),
    listen: PORTS,
    scope: 'swarm',
    paired: [honestId],
    logLevel: 'error',
  })
  const ready = await oracle.event('ready')
  oracleId = ready.peerId
  address = ready.addresses[0]?.multiaddr as string
  await processes.scout({ home, oracles: [address], serve: 'listed', capacity: 4 })
  await oracle.event('workers', ({ ids }) => ids.includes(honestId))
})

afterAll(async () => {
  await Promise.all(attackers.map((one) => one.stop()))
  await processes.end()
})

let assignments = 0
/** The Oracle gives `worker` an assignment with a prompt of 3 tokens. */
function generate(worker: string, window = 4): number {
  const id = ++assignments
  oracle.send({ type: 'generate', id, worker, prompt: [1, 2, 3], tokens: 40, key: { lo: 1, hi: 2 }, window })
  return id
}

/** The Oracle must be as well as before: an honest Scout drafts for it. */
async function expectUnharmed(): Promise<void> {
  const id = generate(honestId)
  const generated = await oracle.event('generated', (event) => event.id === id)
  expect(generated.closed).toBeNull()
  expect(generated.accepted).toBeGreaterThan(0)
}

const draft = (assignment: number, position: number, tokens: number[], epoch = 0): ScoutFrame => ({
  type: 'draft',
  assignment,
  frame: { epoch, position, tokens },
})

describe('hostile frames on /shard/draft', () => {
  it.each<[string, string, (stream: AttackStream) => void]>([
    ['garbage', 'DECODE', (stream) => stream.frame(Uint8Array.from([0xff, 0xff, 0xff, 0xff, 0xff, 0xff]))],
    ['a length without end', 'FRAME_LENGTH', (stream) => stream.raw(0xff, 0xff, 0xff, 0xff, 0xff)],
    ['an oversized frame', 'FRAME_LENGTH', (stream) => stream.raw(0xff, 0xff, 0x7f)],
    ['a Draft before any Claim', 'ORDER', (stream) => stream.send(draft(1, 5, [1]))],
    [
      'an Oracle’s message',
      'ORDER',
      (stream) => stream.frame(Frame.encode({ welcome: { targetModel: 'x' } })),
    ],
    [
      'a claim of boundless capacity',
      'RANGE',
      (stream) => stream.send({ ...CLAIM, claim: { ...CLAIM.claim, capacity: 2 ** 31 } }),
    ],
    [
      'claim upon claim',
      'RATE',
      (stream) => {
        for (let i = 0; i < 2 * LIMITS.claimsPerMinute; i++) stream.send(CLAIM)
      },
    ],
    [
      'another model on the same stream',
      'ORDER',
      (stream) => {
        stream.send(CLAIM)
        stream.send({ ...CLAIM, claim: { ...CLAIM.claim, draftModel: 'other' } })
      },
    ],
    [
      'drafts for an assignment never given',
      'ASSIGNMENT',
      (stream) => {
        stream.send(CLAIM)
        stream.send(draft(77_777, 5, [1]))
      },
    ],
  ])('%s: the stream is closed and the fault counted', async (_name, code, attack) => {
    const peer = await attacker()
    const stream = await peer.open()
    attack(stream)
    expect((await oracle.event('fault', ({ peerId }) => peerId === peer.peerId)).code).toBe(code)
    await stream.closed
    await expectUnharmed()
  })

  it.each<[string, string, (id: number) => ScoutFrame]>([
    ['a token outside the vocabulary', 'RANGE', (id) => draft(id, 3, [TOY_VOCAB])],
    ['a position far away', 'RANGE', (id) => draft(id, 2 ** 31, [1])],
    ['a position that leaves a gap', 'PATH', (id) => draft(id, 4, [1])],
    ['a position in the prompt', 'PATH', (id) => draft(id, 2, [1])],
    ['more than the window', 'PATH', (id) => draft(id, 3, [1, 2, 3, 4, 5])],
    ['an epoch that never was', 'PATH', (id) => draft(id, 3, [1], 9)],
  ])('%s in a Draft: the assignment ends with a fault', async (_name, code, frame) => {
    const peer = await attacker()
    const stream = await peer.open()
    stream.send(CLAIM)
    await stream.receive('welcome')
    await oracle.event('workers', ({ ids }) => ids.includes(peer.peerId))
    const id = generate(peer.peerId)
    await stream.receive('assign')
    stream.send(frame(id))
    const generated = await oracle.event('generated', (event) => event.id === id)
    expect(generated).toMatchObject({ drafted: 0, closed: { reason: code, fault: true } })
    await expectUnharmed()
  })

  it('drafts that go on after Done are borne for as long as they may have crossed it', async () => {
    const peer = await attacker()
    const stream = await peer.open()
    stream.send(CLAIM)
    await stream.receive('welcome')
    await oracle.event('workers', ({ ids }) => ids.includes(peer.peerId))
    const id = generate(peer.peerId)
    await stream.receive('assign')
    stream.send({ type: 'refuse', assignment: id, reason: 'tired' })
    const generated = await oracle.event('generated', (event) => event.id === id)
    expect(generated.closed).toEqual({ reason: 'tired', fault: false })
    // Window 4 and two more.
    for (let i = 0; i < 4 + LIMITS.strayFrames; i++) stream.send(draft(id, 3, [1]))
    const after = generate(peer.peerId)
    await stream.receive('assign', ({ assignment }) => assignment.id === after)
    stream.send(draft(after, 3, [1]))
    await oracle.event('drafting', (event) => event.id === after)
    stream.send(draft(id, 3, [1]))
    expect((await oracle.event('fault', ({ peerId }) => peerId === peer.peerId)).code).toBe('ASSIGNMENT')
    await expectUnharmed()
  })

  it('a peer that does not read is cut off before much has gathered', async () => {
    const peer = await attacker()
    const stream = await peer.open()
    stream.send(CLAIM)
    await stream.receive('welcome')
    await oracle.event('workers', ({ ids }) => ids.includes(peer.peerId))
    stream.stream.pause()
    oracle.send({ type: 'pour', worker: peer.peerId, tokens: 60_000 })
    const poured = await oracle.event('poured')
    expect(poured).toMatchObject({ reason: 'SLOW', fault: true })
    expect(poured.rssMib).toBeLessThan(512)
    await expectUnharmed()
  })

  it('no claim, and a frame that never ends: both are ended in time', async () => {
    const [silent, dripping] = [await attacker(), await attacker()]
    const silentStream = await silent.open()
    const drip = await dripping.open()
    drip.send(CLAIM)
    drip.raw(100, 1)
    // A stream is opened with its first bytes.
    silentStream.frame(new Uint8Array(0))
    const fault = (peer: Attacker) => oracle.event('fault', ({ peerId }) => peerId === peer.peerId)
    expect((await fault(silent)).code).toBe('ORDER')
    expect((await fault(dripping)).code).toBe('FRAME_TIMEOUT')
    await expectUnharmed()
  })

  it('one peer gets two streams and no more', async () => {
    const peer = await attacker()
    const connection = await peer.dial()
    const streams = await Promise.allSettled(
      Array.from({ length: 5 }, async () => {
        const stream = await connection.newStream('/shard/draft/1.0.0')
        stream.send(Uint8Array.from([0]))
        return stream
      }),
    )
    // All but two are refused, or reset soon after.
    const open = streams.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []))
    await new Promise<void>((resolve) => {
      const look = () => {
        if (open.filter(({ status }) => status === 'open').length <= LIMITS.draftStreams) resolve()
      }
      for (const stream of open) stream.addEventListener('close', look)
      look()
    })
    expect(streams.length).toBeGreaterThan(LIMITS.draftStreams)
    await expectUnharmed()
  })

  it('a peer that comes again replaces its own stream only', async () => {
    const peer = await attacker()
    const [first, second] = [await peer.open(), await peer.open()]
    first.send(CLAIM)
    await first.receive('welcome')
    second.send(CLAIM)
    await second.receive('welcome')
    await first.closed
    expect(oracle.events.some((event) => event.type === 'fault' && event.peerId === peer.peerId)).toBe(false)
    await expectUnharmed()
  })

  it('after three faults a peer is kept out', async () => {
    const peer = await attacker()
    for (let i = 0; i < LIMITS.faultsBeforeBan; i++) {
      const stream = await peer.open()
      stream.send(draft(1, 5, [1]))
      await stream.closed
    }
    const from = oracle.events.length
    const again = async () => {
      const stream = await peer.open()
      stream.send(CLAIM)
      const answer = await Promise.race([stream.receive('refuse'), stream.receive('welcome'), stream.closed])
      return answer?.type === 'welcome'
    }
    expect(await again().catch(() => false)).toBe(false)
    expect(oracle.events.slice(from).some((e) => e.type === 'workers' && e.ids.includes(peer.peerId))).toBe(
      false,
    )
    await expectUnharmed()
  })
})

describe('hostile gossip', () => {
  const offer = () => ({
    job: '00'.repeat(16),
    oracle: oracleId,
    addresses: [address],
    targetModel: 't',
    draftModel: 'd',
    tokenizerHash: TOY_TOKENIZER,
    contextLength: 256,
    expectedTokens: 64,
    deadlineMs: 30_000,
    leastReputation: 0,
    wanted: 1,
    listeners: 3,
  })

  it.each<[string, string, (peer: Attacker) => Promise<Uint8Array> | Uint8Array]>([
    ['garbage for an Offer', WORK_TOPIC, () => Uint8Array.from([1, 2, 3, 4])],
    ['an Offer in another’s name', WORK_TOPIC, () => encodeOffer(offer())],
    [
      'an endless Offer',
      WORK_TOPIC,
      (peer) => encodeOffer({ ...offer(), oracle: peer.peerId, deadlineMs: 600_000 }),
    ],
    ['garbage for a Result', RESULT_TOPIC, () => Uint8Array.from([1, 2, 3, 4])],
    [
      'a Result in another’s name',
      RESULT_TOPIC,
      async () => {
        const { privateKey } = await ensureIdentity(await processes.folder())
        return signResult(
          {
            job: '00'.repeat(16),
            oracle: oracleId,
            scout: honestId,
            drafted: 1,
            accepted: 1,
            milliseconds: 1,
            credits: 1_000_000,
            draftModel: 'd',
            counter: 1,
            issuedMs: Date.now(),
          },
          privateKey,
        )
      },
    ],
  ])('%s is rejected, and costs its sender score', async (_name, topic, make) => {
    const peer = await attacker()
    await peer.dial()
    const { gossip } = peer.node.services
    // Until its stream to the Oracle stands, a node publishes to nobody.
    const message = await make(peer)
    while ((await gossip.publish(topic, message)).recipients.length === 0) {
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
    const rejected = await oracle.event('rejected', ({ peerId }) => peerId === peer.peerId)
    expect(rejected.topic).toBe(topic)
    await expectUnharmed()
  })
})

describe('a flood of gossip', () => {
  it('of well-formed Offers is cut off at its sender', async () => {
    const peer = await attacker()
    await peer.dial()
    const { gossip } = peer.node.services
    const offer = (i: number) =>
      encodeOffer({
        job: i.toString(16).padStart(32, '0'),
        oracle: peer.peerId,
        addresses: [],
        targetModel: 't',
        draftModel: 'd',
        tokenizerHash: TOY_TOKENIZER,
        contextLength: 256,
        expectedTokens: 64,
        deadlineMs: 30_000,
        leastReputation: 0,
        wanted: 1,
        listeners: 3,
      })
    for (let i = 0; i < 100; i++) {
      const { recipients } = await gossip.publish(WORK_TOPIC, offer(i))
      if (recipients.length === 0) await new Promise((resolve) => setTimeout(resolve, 20))
    }
    const rejected = await oracle.event('rejected', ({ peerId }) => peerId === peer.peerId)
    expect(rejected.topic).toBe(WORK_TOPIC)
    await expectUnharmed()
  })
})

describe('scope own', () => {
  it('an unpaired Scout is refused and gets no prompt', async () => {
    const home = await processes.folder()
    const own = await processes.oracle({
      directory: await processes.folder(),
      listen: PORTS,
      scope: 'own',
      paired: [],
    })
    const { addresses } = await own.event('ready')
    const stranger = await Attacker.start(home, addresses[0]?.multiaddr as string)
    attackers.push(stranger)
    const stream = await stranger.open()
    stream.send(CLAIM)
    expect((await stream.receive('refuse')).reason).toBe('not-paired')
    await stream.closed
    own.send({
      type: 'generate',
      id: 1,
      worker: stranger.peerId,
      prompt: [1],
      tokens: 4,
      key: { lo: 0, hi: 0 },
      window: 4,
    })
    expect((await own.event('generated')).closed).toEqual({ reason: 'no worker', fault: false })
    expect(stream.received.map(({ type }) => type)).toEqual(['refuse'])
    // Nor is the stranger told that there is work.
    own.send({ type: 'recruit', scope: 'swarm' })
    own.send({ type: 'peers' })
    await own.event('peers')
    expect(own.events.some(({ type }) => type === 'offered')).toBe(false)
  })
})
