import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { ControlClient } from '../../native-host/control/control-client.ts'
import { controlPlace } from '../../native-host/control/control-place.ts'
import { generate, nodeInfo } from '../../shared/mesh/generate-client.ts'
import { OracleCallError } from '../../shared/mesh/oracle-call-error.ts'
import { pairOver } from '../../shared/mesh/pair-client.ts'
import { encodeGenerateFrame, parseAnswer } from '../../shared/protocol/generate-frames.ts'
import { parseJoinLink } from '../../shared/protocol/join-link.ts'
import { LIMITS } from '../../shared/protocol/limits.ts'
import { GenerateFrame } from '../../shared/protocol/messages.ts'
import { GENERATE_PROTOCOL } from '../../shared/protocol/names.ts'
import { Attacker, type RawStream } from '../support/mesh/attacker.ts'
import { MeshProcesses } from '../support/mesh/processes.ts'
import { startOracle, temporaryHome } from '../support/shard-process.ts'

const processes = new MeshProcesses()
const attackers: Attacker[] = []
const signal = new AbortController().signal
let home: Awaited<ReturnType<typeof temporaryHome>>
let oracle: Awaited<ReturnType<typeof startOracle>>
let tcp: string
let honest: Attacker

const HELLO = [{ role: 'user' as const, content: 'Hello.' }]
/** Does not end by itself: the model's end token is out of reach. */
const LONG = { messages: HELLO, maxTokens: 900, sampling: { logitBias: [[4095, -100]] as const } }
const request = encodeGenerateFrame({ type: 'request', request: LONG })

/** A device of the owner's that has gone bad; a new one each time, for three faults get one banned. */
async function attacker(paired = true): Promise<Attacker> {
  const one = await Attacker.start(await processes.folder(), tcp)
  attackers.push(one)
  if (!paired) return one
  const daemon = await ControlClient.connect(controlPlace(home.path))
  const { invite } = parseJoinLink((await daemon!.invite(1)).link)
  daemon!.end()
  await pairOver(await one.dial(), invite as string, { signal })
  return one
}

async function running(): Promise<number> {
  const health = (await (await fetch(`${oracle.url}/health`)).json()) as {
    load: { running: number; queued: number }
  }
  return health.load.running + health.load.queued
}

/** Resident MiB of the daemon. */
async function memory(): Promise<number> {
  const metrics = await (await fetch(`${oracle.url}/metrics`)).text()
  return Number(metrics.match(/^shard_process_resident_memory_bytes (\S+)/m)![1]) / 2 ** 20
}

const faultOf = (peer: Attacker, code: string) =>
  oracle.waitForLog(new RegExp(`"peerId":"${peer.peerId}","code":"${code}"`))

const codeOf = (promise: Promise<unknown>) =>
  promise.then(
    () => 'none',
    (error: unknown) => (error instanceof OracleCallError ? error.code : String(error)),
  )

beforeAll(async () => {
  home = await temporaryHome()
  // In the swarm's scope strangers come as well; who may ask stays the same.
  oracle = await startOracle(home.path, '--mesh-scope', 'swarm', '--engine-pace-ms', '12')
  tcp = parseJoinLink((await oracle.waitForLog(/shard:join\?\S+/))[0]).oracles.find((one) =>
    /\/tcp\/\d+\/p2p\//.test(one),
  ) as string
  honest = await attacker()
})
afterAll(async () => {
  await Promise.all(attackers.map((one) => one.stop()))
  await oracle?.stop()
  await processes.end()
  await home[Symbol.asyncDispose]()
})
// Whatever was said, nothing of it is left in a slot, and the next is answered.
afterEach(async () => {
  expect(oracle.running).toBe(true)
  await expect.poll(running, { timeout: 30_000 }).toBe(0)
  const types: string[] = []
  const connection = await honest.dial()
  for await (const { type } of generate(connection, { messages: HELLO, maxTokens: 2 }, { signal }))
    types.push(type)
  expect([types.at(0), types.at(-1)]).toEqual(['begin', 'end'])
})

describe('hostile frames on /shard/generate', () => {
  it.each<[string, string, (stream: RawStream) => void]>([
    ['garbage', 'DECODE', (stream) => stream.frame(Uint8Array.from([0xff, 0xff, 0xff, 0xff]))],
    ['a length without end', 'FRAME_LENGTH', (stream) => stream.raw(0xff, 0xff, 0xff, 0xff)],
    ['an oversized frame', 'FRAME_LENGTH', (stream) => stream.raw(0x81, 0x80, 0x30)],
    [
      'an Oracle’s message',
      'ORDER',
      (stream) => stream.frame(GenerateFrame.encode({ tokens: { pieces: [] } })),
    ],
    [
      'a conversation of no turns',
      'RANGE',
      (stream) =>
        stream.frame(
          GenerateFrame.encode({ request: { messages: [], maxTokens: 0, stop: [], scope: '', model: '' } }),
        ),
    ],
    [
      'two messages in one',
      'AMBIGUOUS',
      (stream) =>
        stream.frame(Uint8Array.from([...request, ...encodeGenerateFrame({ type: 'info-request' })])),
    ],
    [
      'one request upon the other',
      'ORDER',
      (stream) => {
        stream.frame(request)
        stream.frame(request)
      },
    ],
    [
      'a hundred thousand turns',
      'DECODE',
      (stream) => {
        const turns = new Array(100_000).fill({ role: 'u', content: '' })
        stream.frame(
          GenerateFrame.encode({
            request: { messages: turns, maxTokens: 0, stop: [], scope: '', model: '' },
          }),
        )
      },
    ],
  ])('%s: the stream ends and the fault counts', async (_name, code, attack) => {
    const peer = await attacker()
    const stream = await peer.openRaw(GENERATE_PROTOCOL)
    attack(stream)
    await faultOf(peer, code)
    await stream.closed
  })

  it('silence and a request that never ends are ended in time', async () => {
    const [silent, dripping] = [await attacker(), await attacker()]
    const silentStream = await silent.openRaw(GENERATE_PROTOCOL)
    // A stream is opened with its first bytes.
    silentStream.frame(new Uint8Array(0))
    const drip = await dripping.openRaw(GENERATE_PROTOCOL)
    drip.raw(0xff, 0x7f, 10)
    const timer = setInterval(() => {
      if (drip.stream.writeStatus === 'writable') drip.raw(10)
    }, 500)
    try {
      await Promise.all([faultOf(silent, 'ORDER'), faultOf(dripping, 'FRAME_TIMEOUT')])
      await Promise.all([silentStream.closed, drip.closed])
    } finally {
      clearInterval(timer)
    }
  })

  it('whoever closes its half in the middle of an answer gets no more of it', async () => {
    const peer = await attacker()
    const stream = await peer.openRaw(GENERATE_PROTOCOL)
    stream.frame(request)
    await expect.poll(() => stream.frames.length).toBeGreaterThan(1)
    expect(await running()).toBe(1)
    await stream.stream.close()
    await stream.closed
    await expect.poll(running, { timeout: 30_000 }).toBe(0)
    const types = stream.frames.map((frame) => parseAnswer(frame)?.type)
    expect(types[0]).toBe('begin')
    expect(types).not.toContain('end')
    expect(oracle.log).not.toContain(`"peerId":"${peer.peerId}","code"`)
  })

  it('whoever does not read has its answer kept from growing', async () => {
    const peer = await attacker()
    const before = await memory()
    const streams = await Promise.all(
      Array.from({ length: LIMITS.answersPerPeer }, () => peer.openRaw(GENERATE_PROTOCOL)),
    )
    for (const stream of streams) {
      stream.frame(encodeGenerateFrame({ type: 'request', request: { ...LONG, maxTokens: 300 } }))
      stream.stream.pause()
    }
    await expect.poll(running).toBe(LIMITS.answersPerPeer)
    // They end by themselves: an answer fits the stream's window, and what does not is never asked for.
    await expect.poll(running, { timeout: 60_000 }).toBe(0)
    expect((await memory()) - before).toBeLessThan(64)
  })

  it('one peer gets so many streams and no more; a flood of them ends its connection', async () => {
    const peer = await attacker()
    const connection = await peer.dial()
    // Opened and given up at once: many are gone before they were looked at.
    for (let i = 0; i < LIMITS.generateStreamsPerMinute / 4; i++) {
      const stream = await connection.newStream(GENERATE_PROTOCOL)
      stream.send(Uint8Array.from([0]))
      stream.abort(new Error('changed my mind'))
    }
    let answered = 0
    while (connection.status === 'open') {
      if ((await codeOf(nodeInfo(connection, { signal }))) === 'none') answered++
      // What is refused here is refused at once: the news that the connection has ended must get through.
      await new Promise((resolve) => setImmediate(resolve))
    }
    await faultOf(peer, 'RATE')
    expect(answered).toBeGreaterThan(LIMITS.generateStreamsPerMinute / 2)
    expect(answered).toBeLessThan(10 * LIMITS.generateStreamsPerMinute)
    expect(await codeOf(nodeInfo(await honest.dial(), { signal }))).toBe('none')
  })

  it('a stranger is told at once that it is none of the owner’s, and nothing that it sends is kept', async () => {
    const stranger = await attacker(false)
    const connection = await stranger.dial()
    expect(await codeOf(nodeInfo(connection, { signal }))).toBe('not-paired')
    const before = await memory()
    for (let i = 0; i < 8; i++) {
      const stream = await stranger.openRaw(GENERATE_PROTOCOL)
      const lump = new Uint8Array(200 * 1024).fill(0xff)
      try {
        for (let sent = 0; sent < 10; sent++)
          if (stream.stream.writeStatus === 'writable') stream.stream.send(lump)
      } catch {
        // It was reset meanwhile.
      }
      await stream.closed
      const answer = stream.frames[0] && parseAnswer(stream.frames[0])
      if (answer) expect(answer).toMatchObject({ type: 'failure', failure: { code: 'not-paired' } })
    }
    expect((await memory()) - before).toBeLessThan(64)
    expect(await running()).toBe(0)
  })
})
