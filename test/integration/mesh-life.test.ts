import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { ensureIdentity } from '../../native-host/mesh/identity.ts'
import { joinTopics } from '../../shared/mesh/gossip.ts'
import { LIMITS } from '../../shared/protocol/limits.ts'
import { DRAFT_PROTOCOL, KAD_PROTOCOL } from '../../shared/protocol/names.ts'
import { openResult, type WorkResult } from '../../shared/protocol/results.ts'
import { Attacker, CLAIM } from '../support/mesh/attacker.ts'
import { MeshProcesses, type OracleProcess } from '../support/mesh/processes.ts'

const processes = new MeshProcesses()
afterAll(() => processes.end())

const ALL = { host: '127.0.0.1', tcpPort: 0, webSocketPort: 0, webRtcPort: 0 }
const TCP = { ...ALL, webSocketPort: null, webRtcPort: null }
const NOWHERE = { ...TCP, tcpPort: null }

async function scoutHome(): Promise<{ home: string; peerId: string }> {
  const home = await processes.folder()
  return { home, peerId: (await ensureIdentity(join(home, 'mesh'))).peerId }
}

const joined = (oracle: OracleProcess, peerId: string, from = 0) =>
  oracle.event('workers', ({ ids }) => ids.includes(peerId), from)

let assignments = 0
function generate(oracle: OracleProcess, worker: string, tokens = 40): number {
  const id = ++assignments
  oracle.send({ type: 'generate', id, worker, prompt: [4, 5], tokens, key: { lo: id, hi: 0 }, window: 8 })
  return id
}

/** Ports and certificate hash stand in an address, so it must be the same, and live, after a restart. */
const portOf = (address: string) => Number(address.match(/\/(?:tcp|udp)\/(\d+)/)?.[1])

describe('a node’s identity', () => {
  it('keeps peer id and certificate hash over a restart', async () => {
    const directory = await processes.folder()
    const first = await processes.oracle({ directory, listen: ALL, scope: 'own', paired: [] })
    const before = await first.event('ready')
    await first.kill('SIGKILL')
    const [tcpPort, webSocketPort, webRtcPort] = before.addresses.map(({ multiaddr }) => portOf(multiaddr))
    const listen = { host: '127.0.0.1', tcpPort, webSocketPort, webRtcPort } as typeof ALL
    const second = await processes.oracle({ directory, listen, scope: 'own', paired: [] })
    const after = await second.event('ready')
    expect(after.peerId).toBe(before.peerId)
    expect(after.addresses).toEqual(before.addresses)
    expect(after.addresses.find(({ transport }) => transport === 'webrtc-direct')?.multiaddr).toMatch(
      /\/certhash\/uEi[\w-]+\/p2p\//,
    )
    second.send({ type: 'stop' })
    expect(await second.exited).toBe(0)
  })
})

describe('an Oracle’s node', () => {
  it('offers what the mesh needs: identify, ping, DHT server, gossip, relay, drafting', async () => {
    const oracle = await processes.oracle({
      directory: await processes.folder(),
      listen: TCP,
      scope: 'own',
      paired: [],
    })
    const { peerId, addresses } = await oracle.event('ready')
    const visitor = await Attacker.start(await processes.folder(), addresses[0]?.multiaddr as string)
    try {
      const identified = new Promise<readonly string[]>((resolve) => {
        visitor.node.addEventListener('peer:identify', ({ detail }) => {
          if (detail.peerId.toString() === peerId) resolve(detail.protocols)
        })
      })
      const connection = await visitor.dial()
      const protocols = await identified
      for (const protocol of [
        DRAFT_PROTOCOL,
        KAD_PROTOCOL,
        '/ipfs/ping/1.0.0',
        '/libp2p/circuit/relay/0.2.0/hop',
      ]) {
        expect(protocols).toContain(protocol)
      }
      expect(protocols.some((protocol) => protocol.startsWith('/meshsub/'))).toBe(true)
      expect(await visitor.node.services.ping.ping(connection.remotePeer)).toBeGreaterThanOrEqual(0)
    } finally {
      await visitor.stop()
    }
  })
})

describe('a Scout', () => {
  it('comes back when the Oracle was killed and restarted', async () => {
    const { home, peerId } = await scoutHome()
    const directory = await processes.folder()
    const first = await processes.oracle({ directory, listen: TCP, scope: 'own', paired: [peerId] })
    const address = (await first.event('ready')).addresses[0]?.multiaddr as string
    const scout = await processes.scout({ home, oracles: [address], serve: 'listed', capacity: 1 })
    await joined(first, peerId)
    await first.kill('SIGKILL')
    await scout.event('status', ({ status }) => status.state === 'searching', scout.events.length)
    const listen = { ...TCP, tcpPort: portOf(address) }
    const second = await processes.oracle({ directory, listen, scope: 'own', paired: [peerId] })
    await joined(second, peerId)
    const id = generate(second, peerId)
    expect((await second.event('generated', (event) => event.id === id)).accepted).toBeGreaterThan(0)
    // What it drafted before and after counts together.
    const { status } = await scout.event('status', ({ status }) => status.accepted > 0)
    expect(status.drafted).toBeGreaterThanOrEqual(status.accepted)
  })

  it('is told to come back while the Oracle has no model yet, and does', async () => {
    const { home, peerId } = await scoutHome()
    const oracle = await processes.oracle({
      directory: await processes.folder(),
      listen: TCP,
      scope: 'own',
      paired: [peerId],
      notReady: true,
    })
    const address = (await oracle.event('ready')).addresses[0]?.multiaddr as string
    await processes.scout({ home, oracles: [address], serve: 'listed', capacity: 1, logLevel: 'error' })
    expect((await oracle.event('refused')).reason).toBe('not-ready')
    oracle.send({ type: 'ready' })
    await joined(oracle, peerId)
  })

  it('killed in mid-assignment: the Oracle learns it at once, and it was no fault', async () => {
    const { home, peerId } = await scoutHome()
    const oracle = await processes.oracle({
      directory: await processes.folder(),
      listen: TCP,
      scope: 'own',
      paired: [peerId],
    })
    const address = (await oracle.event('ready')).addresses[0]?.multiaddr as string
    const scout = await processes.scout({ home, oracles: [address], serve: 'listed', capacity: 1, stepMs: 5 })
    await joined(oracle, peerId)
    const id = generate(oracle, peerId, 1000)
    await oracle.event('drafting', (event) => event.id === id)
    await scout.kill('SIGKILL')
    const generated = await oracle.event('generated', (event) => event.id === id)
    expect(generated.closed?.fault).toBe(false)
    await oracle.event('workers', ({ ids }) => ids.length === 0, oracle.events.indexOf(generated))
  })

  it('stopped in order: gives its assignment up and exits', async () => {
    const { home, peerId } = await scoutHome()
    const oracle = await processes.oracle({
      directory: await processes.folder(),
      listen: TCP,
      scope: 'own',
      paired: [peerId],
    })
    const address = (await oracle.event('ready')).addresses[0]?.multiaddr as string
    const scout = await processes.scout({ home, oracles: [address], serve: 'listed', capacity: 1, stepMs: 5 })
    await joined(oracle, peerId)
    const id = generate(oracle, peerId, 1000)
    await oracle.event('drafting', (event) => event.id === id)
    await scout.kill('SIGTERM')
    expect(await scout.exited).toBe(0)
    const generated = await oracle.event('generated', (event) => event.id === id)
    expect(generated.closed).toEqual({ reason: 'left', fault: false })
  })

  it('with another tokenizer is refused', async () => {
    const { home, peerId } = await scoutHome()
    const oracle = await processes.oracle({
      directory: await processes.folder(),
      listen: TCP,
      scope: 'own',
      paired: [peerId],
    })
    const address = (await oracle.event('ready')).addresses[0]?.multiaddr as string
    const other = { tokenizerHash: '8'.repeat(64), logLevel: 'error' }
    await processes.scout({ home, oracles: [address], serve: 'listed', capacity: 1, ...other })
    expect((await oracle.event('refused')).reason).toBe('tokenizer')
  })

  it.each([
    ['hostile:1', 'a fault'],
    ['garbage', 'wrong tokens'],
  ])('that is bad on purpose (%s) brings %s and nothing worse', async (fault) => {
    const { home, peerId } = await scoutHome()
    const oracle = await processes.oracle({
      directory: await processes.folder(),
      listen: TCP,
      scope: 'own',
      paired: [peerId],
      logLevel: 'error',
    })
    const address = (await oracle.event('ready')).addresses[0]?.multiaddr as string
    await processes.scout({
      home,
      oracles: [address],
      serve: 'listed',
      capacity: 1,
      fault,
      logLevel: 'error',
    })
    await joined(oracle, peerId)
    const id = generate(oracle, peerId)
    const generated = await oracle.event('generated', (event) => event.id === id)
    if (fault === 'garbage') {
      expect(generated.closed).toBeNull()
      expect(generated.accepted).toBeLessThan(generated.drafted)
    } else {
      expect(generated.closed?.fault).toBe(true)
      // The Scout dials again; a bug is forgiven twice.
      await joined(oracle, peerId, oracle.events.indexOf(generated))
    }
  })
})

describe('a Result', () => {
  it('is signed by the Oracle, sent to the Scout, and heard on the topic', async () => {
    const oracle = await processes.oracle({
      directory: await processes.folder(),
      listen: TCP,
      scope: 'swarm',
      paired: [],
    })
    const { peerId: oracleId, addresses } = await oracle.event('ready')
    const address = addresses[0]?.multiaddr as string
    const [listener, worker] = [
      await Attacker.start(await processes.folder(), address),
      await Attacker.start(await processes.folder(), address),
    ]
    try {
      const heard = Promise.withResolvers<WorkResult>()
      joinTopics(listener.node.services.gossip, { result: heard.resolve })
      await listener.dial()
      const stream = await worker.open()
      stream.send(CLAIM)
      await stream.receive('welcome')
      await joined(oracle, worker.peerId)
      let over = false
      void heard.promise.then(() => {
        over = true
      })
      // Until the listener's gossip has formed, results go by it.
      while (!over) {
        const id = generate(oracle, worker.peerId, 1)
        const { assignment } = await stream.receive('assign', (frame) => frame.assignment.id === id)
        const frame = { epoch: 0, position: assignment.context.length, tokens: [1] }
        stream.send({ type: 'draft', assignment: id, frame })
        const done = await stream.receive('done', (frame) => frame.assignment === id)
        expect(await openResult(done.receipt)).toMatchObject({
          oracle: oracleId,
          scout: worker.peerId,
          drafted: done.account.drafted,
          accepted: done.account.accepted,
        })
        await Promise.race([heard.promise, new Promise((resolve) => setTimeout(resolve, 200))])
      }
      expect(await heard.promise).toMatchObject({ oracle: oracleId, scout: worker.peerId, credits: 0 })
    } finally {
      await Promise.all([listener.stop(), worker.stop()])
    }
  })
})

describe('an Offer', () => {
  it('reaches a Scout through another node, and brings it to the Oracle', async () => {
    const { home, peerId } = await scoutHome()
    const hub = await processes.oracle({
      directory: await processes.folder(),
      listen: TCP,
      scope: 'own',
      paired: [],
      logLevel: 'error',
    })
    const hubAddress = (await hub.event('ready')).addresses[0]?.multiaddr as string
    const oracle = await processes.oracle({
      directory: await processes.folder(),
      listen: TCP,
      scope: 'swarm',
      paired: [],
      bootstrap: [hubAddress],
    })
    await oracle.event('ready')
    // Not this hub's Scout: it only hears through it.
    await processes.scout({ home, oracles: [hubAddress], serve: 'swarm', capacity: 1, logLevel: 'error' })
    await hub.event('refused', (event) => event.peerId === peerId)
    // Gossip needs a moment to form; an Oracle whose pool stays short offers again.
    const asked = performance.now()
    const again = setInterval(() => oracle.send({ type: 'recruit', scope: 'swarm' }), 250)
    try {
      await joined(oracle, peerId)
    } finally {
      clearInterval(again)
    }
    // However often it is asked for, at most one a second goes out.
    const offers = oracle.events.filter(({ type }) => type === 'offered').length
    expect(offers).toBeGreaterThan(0)
    expect(offers).toBeLessThanOrEqual(1 + (performance.now() - asked) / 1000)
    const id = generate(oracle, peerId)
    expect((await oracle.event('generated', (event) => event.id === id)).accepted).toBeGreaterThan(0)
  })
})

describe('a relay', () => {
  it('carries a Scout to an Oracle that listens nowhere', async () => {
    const { home, peerId } = await scoutHome()
    const relayed = await processes.folder()
    const relay = await processes.oracle({
      directory: await processes.folder(),
      listen: TCP,
      scope: 'own',
      paired: [(await ensureIdentity(relayed)).peerId],
    })
    const relayAddress = (await relay.event('ready')).addresses[0]?.multiaddr as string
    const oracle = await processes.oracle({
      directory: relayed,
      listen: NOWHERE,
      scope: 'own',
      paired: [peerId],
      relays: [relayAddress],
    })
    const { peerId: oracleId } = await oracle.event('ready')
    const address = `${relayAddress}/p2p-circuit/p2p/${oracleId}`
    await processes.scout({ home, oracles: [address], serve: 'listed', capacity: 1, logLevel: 'error' })
    await joined(oracle, peerId)
    const id = generate(oracle, peerId, 200)
    expect((await oracle.event('generated', (event) => event.id === id)).accepted).toBeGreaterThan(0)
    oracle.send({ type: 'peers' })
    const { peers } = await oracle.event('peers')
    expect(peers.find((peer) => peer.peerId === peerId)?.transports).toEqual(['relay'])
    // The relay's limits are those of the constants file.
    const visitor = await Attacker.start(await processes.folder(), address)
    try {
      const { limits } = await visitor.dial()
      expect(Number(limits?.bytes)).toBeLessThanOrEqual(LIMITS.relayBytes)
      expect(Number(limits?.bytes)).toBeGreaterThan(LIMITS.relayBytes / 2)
      // (The library enforces milliseconds and announces the same number as seconds.)
      expect(limits?.seconds).toBeLessThanOrEqual(LIMITS.relayDurationMs)
    } finally {
      await visitor.stop()
    }
  })
})
