import { once } from 'node:events'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { OracleCallError } from '../../shared/mesh/oracle-call-error.ts'
import { pairWith } from '../../shared/mesh/pair-client.ts'
import type { ScoutFrame } from '../../shared/protocol/frames.ts'
import { parseJoinLink } from '../../shared/protocol/join-link.ts'
import { LIMITS } from '../../shared/protocol/limits.ts'
import { PAIR_PROTOCOL } from '../../shared/protocol/names.ts'
import { encodePairFrame, parsePairAnswer } from '../../shared/protocol/pair-frames.ts'
import { Attacker, CLAIM } from '../support/mesh/attacker.ts'
import { MeshProcesses } from '../support/mesh/processes.ts'
import { ShardProcess, startOracle, temporaryHome } from '../support/shard-process.ts'

const processes = new MeshProcesses()
const attackers: Attacker[] = []
const signal = new AbortController().signal

let home: Awaited<ReturnType<typeof temporaryHome>>
let oracle: Awaited<ReturnType<typeof startOracle>>
/** The link of the welcome. */
let welcomeLink: string
/** The Oracle over TCP, which a process that goes on may stop. */
let address: string
let claim: Extract<ScoutFrame, { type: 'claim' }>

const LINK = /shard:join\?\S+/

async function start(...flags: string[]): Promise<void> {
  oracle = await startOracle(home.path, ...flags)
  const [link] = await oracle.waitForLog(LINK)
  welcomeLink = link
  address = parseJoinLink(link).oracles.find((one) => /\/tcp\/\d+\/p2p\//.test(one)) as string
  const health = (await (await fetch(`${oracle.url}/health`)).json()) as { model: { tokenizer_hash: string } }
  claim = { ...CLAIM, claim: { ...CLAIM.claim, tokenizerHash: health.model.tokenizer_hash } }
}

async function device(): Promise<Attacker> {
  const one = await Attacker.start(await processes.folder(), address)
  attackers.push(one)
  return one
}

/** Pairs over TCP; the code of what went wrong, or null. */
async function pair(one: Attacker, link: string): Promise<string | null> {
  try {
    await pairWith(one.node, { ...parseJoinLink(link), oracles: [address] }, { signal })
    return null
  } catch (error) {
    expect(error).toBeInstanceOf(OracleCallError)
    return (error as OracleCallError).code
  }
}

/** What the Oracle answers to a Scout's claim: `welcome`, or why not. */
async function claims(one: Attacker): Promise<string> {
  const stream = await one.open()
  stream.send(claim)
  const answer = await Promise.race([stream.receive('welcome'), stream.receive('refuse')])
  return answer.type === 'refuse' ? answer.reason : answer.type
}

/** Runs a verb to its end. */
async function shard(...args: string[]): Promise<{ code: number | null; out: string }> {
  const child = new ShardProcess(args, { SHARD_HOME: home.path })
  const [code] = (await once(child.child, 'close')) as [number | null]
  return { code, out: child.log }
}

async function invite(...options: string[]): Promise<string> {
  const { out } = await shard('device', 'invite', ...options)
  return out.match(LINK)![0]
}

beforeAll(async () => {
  home = await temporaryHome()
  await start()
})
afterAll(async () => {
  await Promise.all(attackers.map((one) => one.stop()))
  await oracle?.stop()
  await processes.end()
  await home[Symbol.asyncDispose]()
})

describe('a join link', () => {
  it('stands in the welcome, leads here by every address, and is in no log line', async () => {
    const { oracles, invite: secret } = parseJoinLink(welcomeLink)
    const topology = (await (await fetch(`${oracle.url}/v1/system/topology`)).json()) as {
      addresses: { multiaddr: string; transport: string }[]
    }
    expect(new Set(oracles)).toEqual(new Set(topology.addresses.map(({ multiaddr }) => multiaddr)))
    expect(new Set(topology.addresses.map(({ transport }) => transport))).toEqual(
      new Set(['tcp', 'websocket', 'webrtc-direct']),
    )
    expect(secret).toMatch(/^[0-9a-f]{32}$/)
    expect(oracle.log.split('\n').filter((line) => line.includes(secret as string)).length).toBe(1)
  })

  it('makes one device the owner’s own; it may claim again at once', async () => {
    const [mine, other] = [await device(), await device()]
    expect(await claims(mine)).toBe('not-paired')
    expect(await pair(mine, welcomeLink)).toBeNull()
    expect(await claims(mine)).toBe('welcome')
    // The answer to the first may have been lost.
    expect(await pair(mine, welcomeLink)).toBeNull()
    expect(await pair(other, welcomeLink)).toBe('invite')
    expect(await claims(other)).toBe('not-paired')
    expect(oracle.log).toContain('device paired by invitation')
  })

  it('without an invitation, or with a wrong one, pairs nobody', async () => {
    const one = await device()
    expect(await pair(one, address)).toBe('invite')
    const wrong = `shard:join?oracle=${address}&invite=${'00'.repeat(16)}`
    for (let i = 0; i < LIMITS.faultsBeforeBan; i++)
      expect(await pair(one, wrong)).toMatch(/invite|interrupted/)
    await oracle.waitForLog(new RegExp(`${one.peerId}","code":"INVITE".*"banMs":${LIMITS.firstBanMs}`))
    // Its connections were ended, and a right one comes too late now.
    expect(await pair(one, await invite())).toMatch(/unreachable|interrupted|banned/)
    const list = JSON.parse((await shard('device', 'list', '--json')).out) as { peer_id: string }[]
    expect(list.map(({ peer_id }) => peer_id)).not.toContain(one.peerId)
  })

  it('over WebSocket and WebRTC-direct, from another process', async () => {
    for (const transport of ['/ws/', '/webrtc-direct/']) {
      const { oracles, invite: secret } = parseJoinLink(await invite())
      const only = oracles.find((one) => one.includes(transport))
      const child = await processes.device({ directory: await processes.folder() })
      const { peerId } = await child.event('ready')
      child.send({ type: 'pair', link: `shard:join?oracle=${only}&invite=${secret}` })
      expect((await child.event('paired')).code).toBeNull()
      child.send({ type: 'info', addresses: [only as string] })
      expect((await child.event('info')).info?.modelId).toBe('shard-tales-target-6.3m')
      expect((await shard('device', 'list')).out).toContain(peerId)
      await child.kill('SIGKILL')
    }
  })
})

describe('shard device', () => {
  it('invites, lists and removes; whoever is removed is out at once', async () => {
    const one = await device()
    const given = await shard('device', 'invite', '--hours', '1', '--json')
    const { link, expires_at } = JSON.parse(given.out) as { link: string; expires_at: string }
    const lives = Date.parse(expires_at) - Date.now()
    expect(lives).toBeGreaterThan(3500_000)
    expect(lives).toBeLessThanOrEqual(3600_000)
    expect(await pair(one, link)).toBeNull()
    const stream = await one.open()
    stream.send(claim)
    await stream.receive('welcome')
    expect((await shard('device', 'list')).out).toContain(one.peerId)
    expect(await shard('device', 'remove', one.peerId)).toMatchObject({ code: 0 })
    await stream.closed
    expect(await claims(one)).toBe('not-paired')
    expect((await shard('device', 'list')).out).not.toContain(one.peerId)
    const again = await shard('device', 'remove', one.peerId)
    expect(again.code).toBe(1)
    expect(again.out).toContain('shard device list')
  })

  it.each(['0', '-1', 'soon', String(LIMITS.inviteHours + 1)])('invites for no %s hours', async (hours) => {
    const { code, out } = await shard('device', 'invite', '--hours', hours)
    expect(code).toBe(2)
    expect(out).toContain(String(LIMITS.inviteHours))
  })
})

describe('hostile frames on /shard/pair', () => {
  const pairFrame = encodePairFrame({ type: 'pair', invite: '00'.repeat(16) })

  it.each<[string, string, (stream: Awaited<ReturnType<Attacker['openRaw']>>) => void]>([
    ['garbage', 'DECODE', (stream) => stream.frame(Uint8Array.from([0xff, 0xff, 0xff, 0xff]))],
    ['a length without end', 'FRAME_LENGTH', (stream) => stream.raw(0xff, 0xff, 0xff, 0xff)],
    ['an oversized frame', 'FRAME_LENGTH', (stream) => stream.raw(0x81, 0x01)],
    ['a short invitation', 'RANGE', (stream) => stream.frame(pairFrame.slice(0, -1).with(1, 17).with(3, 15))],
    ['an Oracle’s message', 'ORDER', (stream) => stream.frame(encodePairFrame({ type: 'paired' }))],
    [
      'one attempt upon the other',
      'ORDER',
      // In one piece: sent one by one, the first may be answered and the stream closed before the second is there.
      (stream) => {
        const framed = [pairFrame.length, ...pairFrame]
        stream.raw(...framed, ...framed)
      },
    ],
  ])('%s: the stream ends and the fault counts', async (_name, code, attack) => {
    const peer = await device()
    const stream = await peer.openRaw(PAIR_PROTOCOL)
    attack(stream)
    await oracle.waitForLog(new RegExp(`"peerId":"${peer.peerId}","code":"${code}"`))
    await stream.closed
    expect(oracle.running).toBe(true)
  })

  it('silence and a frame that never ends are ended in time; half a close is an end', async () => {
    const [silent, dripping, half] = [await device(), await device(), await device()]
    const silentStream = await silent.openRaw(PAIR_PROTOCOL)
    // A stream is opened with its first bytes.
    silentStream.frame(new Uint8Array(0))
    const drip = await dripping.openRaw(PAIR_PROTOCOL)
    drip.raw(20, 10)
    const closing = await half.openRaw(PAIR_PROTOCOL)
    closing.frame(new Uint8Array(0))
    await closing.stream.close()
    await closing.closed
    await oracle.waitForLog(new RegExp(`"peerId":"${silent.peerId}","code":"ORDER"`))
    await oracle.waitForLog(new RegExp(`"peerId":"${dripping.peerId}","code":"(FRAME_TIMEOUT|ORDER)"`))
    await Promise.all([silentStream.closed, drip.closed])
    expect(oracle.log).not.toContain(`"peerId":"${half.peerId}","code"`)
  })

  it('a flood of attempts is held back, and others still pair', async () => {
    const flooding = await device()
    const answers: string[] = []
    for (let i = 0; i < 3 * LIMITS.pairsPerMinute; i++) {
      let stream: Awaited<ReturnType<Attacker['openRaw']>>
      try {
        stream = await flooding.openRaw(PAIR_PROTOCOL)
        stream.frame(pairFrame)
      } catch {
        // Its connection was ended, or is not taken any more.
        break
      }
      await stream.closed
      const [frame] = stream.frames
      const answer = frame ? parsePairAnswer(frame) : null
      answers.push(answer?.type === 'refuse' ? answer.reason : String(answer?.type))
    }
    expect(answers.filter((one) => one === 'invite').length).toBeLessThanOrEqual(LIMITS.pairsPerMinute)
    expect(answers.length).toBeGreaterThan(0)
    expect(answers).not.toContain('paired')
    const honest = await device()
    expect(await pair(honest, await invite())).toBeNull()
  })
})

describe('over a restart', () => {
  it('who was paired stays so, and no invitation does', async () => {
    const [one, late] = [await device(), await device()]
    expect(await pair(one, await invite())).toBeNull()
    const unused = await invite()
    await oracle.stop('SIGKILL')
    await start()
    for (const peer of [one, late]) await peer.stop()
    const folder = join(home.path, 'mesh')
    const stored = JSON.parse(await readFile(join(folder, 'paired.json'), 'utf8')) as {
      devices: { peer_id: string }[]
    }
    expect(stored.devices.map(({ peer_id }) => peer_id)).toContain(one.peerId)
    expect((await shard('device', 'list')).out).toContain(one.peerId)
    const stranger = await device()
    expect(await pair(stranger, unused)).toBe('invite')
    expect(await pair(stranger, welcomeLink)).toBeNull()
  })

  it('a damaged file is named and left as it is', async () => {
    await oracle.stop()
    const file = join(home.path, 'mesh', 'paired.json')
    const good = await readFile(file, 'utf8')
    const damaged = good.slice(0, -20)
    await writeFile(file, damaged)
    const failed = await shard(
      'serve',
      '--api-port',
      '0',
      '--mesh-tcp-port',
      '0',
      '--mesh-ws-port',
      '-1',
      '--mesh-webrtc-port',
      '-1',
    )
    expect(failed.code).toBe(1)
    expect(failed.out).toContain(`${file} is damaged`)
    expect(failed.out).toContain('pair your devices again')
    expect(failed.out).not.toMatch(/\n\s+at /)
    expect(await readFile(file, 'utf8')).toBe(damaged)
    await writeFile(file, good)
    await start()
    expect((await shard('device', 'list', '--json')).out).toContain('paired_at')
  })
})

describe('without the mesh', () => {
  it('no link is printed, and no device can be invited', async () => {
    await oracle.stop()
    oracle = await startOracle(home.path, '--mesh-scope', 'none')
    expect(oracle.log).not.toMatch(LINK)
    const { code, out } = await shard('device', 'invite')
    expect(code).toBe(1)
    expect(out).toContain('mesh.scope')
    await oracle.stop()
    expect((await shard('device', 'list')).code).toBe(4)
  })
})
