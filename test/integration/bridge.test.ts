import { existsSync, readFileSync } from 'node:fs'
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { encodeFrame } from '../../native-host/bridge/frames.ts'
import { ControlClient } from '../../native-host/control/control-client.ts'
import { controlPlace } from '../../native-host/control/control-place.ts'
import { ensureIdentity } from '../../native-host/mesh/identity.ts'
import { BRIDGE_LIMITS } from '../../shared/bridge/messages.ts'
import { FIREFOX_ADDON_ID } from '../../shared/extension/identity.ts'
import { BridgeProcess } from '../support/bridge-process.ts'
import { ShardProcess, startOracle, temporaryHome } from '../support/shard-process.ts'

let home: Awaited<ReturnType<typeof temporaryHome>>
const bridges: BridgeProcess[] = []

beforeEach(async () => {
  home = await temporaryHome()
  await settings({})
})
afterEach(async () => {
  for (const bridge of bridges.splice(0)) bridge.child.kill('SIGKILL')
  // Whatever a test has started.
  await shard('stop')
  await home[Symbol.asyncDispose]()
})

/** Free ports, and whatever else. */
async function settings(more: object): Promise<void> {
  const free = { 'api.port': 0, 'mesh.tcp_port': 0, 'mesh.ws_port': 0, 'mesh.webrtc_port': 0 }
  await writeFile(join(home.path, 'settings.json'), JSON.stringify({ ...free, ...more }))
}

function bridge(args?: readonly string[]): BridgeProcess {
  const one = new BridgeProcess(home.path, args ? { args } : {})
  bridges.push(one)
  return one
}

async function shard(...args: string[]): Promise<{ code: number | null; log: string }> {
  const process = new ShardProcess(args, { SHARD_HOME: home.path })
  await new Promise((resolve) => process.child.once('close', resolve))
  return { code: process.child.exitCode, log: process.log }
}

const header = (length: number) => new Uint8Array(new Uint32Array([length]).buffer)
const frame = (text: string | Uint8Array) => {
  const body = Buffer.from(text)
  return Buffer.concat([header(body.length), body])
}
/** How many daemons have this log. */
const starts = async () =>
  (await readFile(join(home.path, 'log', 'daemon.log'), 'utf8')).split('"msg":"ready"').length - 1

describe('a bridge without a daemon', () => {
  it('says hello and starts nothing', async () => {
    const one = bridge()
    const { version, daemon } = await one.hello()
    expect(version).toMatch(/^\d+\.\d+\.\d+$/)
    expect(daemon).toEqual({
      state: 'stopped',
      startable: true,
      cause: 'never',
      why: 'no daemon runs; one can be started',
    })
    expect(await one.attach(false)).toMatchObject({ type: 'error', code: 'NOT_RUNNING' })
    expect(await one.end()).toBe(0)
    expect(existsSync(join(home.path, 'log'))).toBe(false)
    expect(await readdir(join(home.path, 'run'))).toEqual([])
    expect(one.messages.map(({ type }) => type)).toEqual(['hello', 'error'])
    expect(one.broken).toBeNull()
  })

  it('says why none can be started: no model, bad settings', async () => {
    await settings({ 'engine.model': '/no/such.gguf' })
    const one = bridge()
    expect((await one.hello()).daemon).toMatchObject({
      startable: false,
      why: expect.stringMatching(/\/no\/such\.gguf.*engine\.model/),
    })
    expect(await one.attach(true)).toMatchObject({
      code: 'START_FAILED',
      message: expect.stringContaining('such.gguf'),
    })
    await settings({ 'api.prot': 1 })
    const two = bridge()
    expect((await two.hello()).daemon).toMatchObject({
      startable: false,
      why: expect.stringContaining('api.prot'),
    })
  })

  it('says why one did not start, and what to do', async () => {
    const squatter = createServer((socket) => socket.destroy())
    await new Promise<void>((resolve) => squatter.listen(0, '127.0.0.1', resolve))
    const { port } = squatter.address() as { port: number }
    try {
      await settings({ 'api.port': port })
      const one = bridge()
      await one.hello()
      expect(await one.attach(true)).toMatchObject({
        type: 'error',
        code: 'START_FAILED',
        message: expect.stringMatching(
          new RegExp(`127.0.0.1:${port} .*in use by.*another port[^]*shard doctor`),
        ),
      })
      const { daemon } = await one.hello()
      expect(daemon).toMatchObject({
        state: 'stopped',
        startable: true,
        why: expect.stringContaining(`${port}`),
      })
    } finally {
      squatter.close()
    }
  })
})

describe('whom a bridge serves', () => {
  it.each([
    ['a stranger', ['chrome-extension://ponmlkjihgfedcbaponmlkjihgfedcba/']],
    ['a stranger of Firefox', ['/x/dev.shard.host.json', 'stranger@example.org']],
    ['nobody', []],
  ])('not %s: one error frame, and it ends', async (_, args) => {
    const one = bridge(args)
    one.send({ type: 'hello', version: '0' })
    one.send({ type: 'attach', start: true })
    expect(await one.ended()).toBe(1)
    expect(one.messages).toHaveLength(1)
    expect(one.messages[0]).toMatchObject({ type: 'error', code: 'NOT_ALLOWED' })
    expect(one.stderr).toContain('not for')
    expect(existsSync(join(home.path, 'log'))).toBe(false)
  })

  it('Firefox, and whom the settings add', async () => {
    await bridge(['/x/dev.shard.host.json', FIREFOX_ADDON_ID]).hello()
    const store = 'abcdefghijklmnopabcdefghijklmnop'
    await settings({ 'bridge.extensions': [store] })
    await bridge([`chrome-extension://${store}/`, '--parent-window=0']).hello()
  })
})

describe('hostile frames', () => {
  it.each([
    ['no JSON', frame('not json')],
    ['half a message', frame('{"type":"hello"')],
    ['nothing', frame('')],
    ['bytes that are no UTF-8', frame(new Uint8Array([0x7b, 0xff, 0xfe, 0x7d]))],
    ['a number', frame('5')],
    ['null', frame('null')],
    ['a list', frame('[{"type":"hello","version":"1"}]')],
    ['no type', frame('{"version":"1"}')],
    ['a type nobody knows', frame('{"type":"stop"}')],
    ['a type of the other direction', frame('{"type":"attached","url":"http://x","token":"x"}')],
    ['a field of another type', frame('{"type":"attach","start":"yes"}')],
    ['a version without end', frame(JSON.stringify({ type: 'hello', version: 'x'.repeat(65) }))],
    ['deep nesting', frame('['.repeat(60_000))],
    ['__proto__', frame('{"__proto__":{"type":"hello","version":"1"}}')],
  ])('%s: is told so, and the next message is answered', async (_, bytes) => {
    const one = bridge()
    one.write(bytes)
    expect(await one.of('error')).toMatchObject({ code: 'BAD_MESSAGE' })
    expect((await one.hello()).daemon.state).toBe('stopped')
    expect(await one.end()).toBe(0)
  })

  it.each([
    ['4 GiB', header(0xffff_ffff), 'TOO_LARGE'],
    ['one byte too many', header(BRIDGE_LIMITS.toHostBytes + 1), 'TOO_LARGE'],
    ['text without framing', Buffer.from('{"type":"hello"}'), 'TOO_LARGE'],
  ])('a length of %s: it says so and ends', async (_, bytes, code) => {
    const one = bridge()
    one.write(bytes)
    expect(await one.ended()).toBe(1)
    expect(one.messages).toMatchObject([{ type: 'error', code }])
    expect(one.stderr).toMatch(/at most 65536 are read/)
  })

  it.each([
    ['its length', header(9).subarray(0, 2)],
    ['its body', Buffer.concat([header(9), Buffer.from('{"t')])],
  ])('an end within %s: it says so and ends', async (_, bytes) => {
    const one = bridge()
    one.write(encodeFrame({ type: 'hello', version: '0' }, BRIDGE_LIMITS.toHostBytes))
    one.write(bytes)
    await one.of('hello')
    expect(await one.end()).toBe(1)
    expect(one.messages.at(-1)).toMatchObject({ type: 'error', code: 'TRUNCATED' })
    expect(one.stderr).toMatch(/ended in the middle of a message/)
  })

  it('ten thousand small messages: ten thousand answers', async () => {
    const one = bridge()
    const count = 10_000
    const hello = encodeFrame({ type: 'hello', version: '0' }, BRIDGE_LIMITS.toHostBytes)
    one.write(Buffer.concat(Array.from({ length: count }, () => hello)))
    for (let i = 0; i < count; i++) await one.of('hello')
    expect(await one.end()).toBe(0)
    expect(one.messages).toHaveLength(count)
  })

  it('more attaches at once than are served: the rest is refused', async () => {
    const one = bridge()
    for (let i = 0; i < 100; i++) one.send({ type: 'attach', start: false })
    const codes: string[] = []
    for (let i = 0; i < 100; i++) codes.push((await one.of('error')).code)
    expect(codes.filter((code) => code === 'NOT_RUNNING').length).toBeGreaterThanOrEqual(16)
    expect(codes.filter((code) => code === 'BUSY').length).toBeGreaterThan(0)
    expect(await one.attach(false)).toMatchObject({ code: 'NOT_RUNNING' })
  })

  it('a browser that dies: the bridge ends with it', async () => {
    const one = bridge()
    await one.hello()
    one.child.stdout!.destroy()
    one.child.stdin!.destroy()
    expect(await one.ended()).toBe(0)
  })
})

describe('attach', () => {
  it('starts one daemon for several browsers at once, and hands over its API', async () => {
    const several = [bridge(), bridge(), bridge(), bridge()]
    await Promise.all(several.map((one) => one.hello()))
    const answers = await Promise.all(several.map((one) => one.attach(true)))
    const attached = answers.map((answer) => {
      if (answer.type === 'error') throw new Error(answer.message)
      return answer
    })
    expect(new Set(attached.map(({ token }) => token)).size).toBe(1)
    expect(new Set(attached.map(({ url }) => url)).size).toBe(1)
    const [{ url, token, daemon, multiaddrs }] = attached as [(typeof attached)[0]]
    expect(Buffer.from(token, 'base64url')).toHaveLength(32)
    expect(daemon).toMatchObject({
      state: 'running',
      engine: { state: 'ready' },
      model: { id: expect.stringContaining('shard-tales') },
      load: { running: 0, queued: 0 },
    })
    if (daemon.state !== 'running') throw new Error('not running')
    expect(daemon.memory.ram_bytes).toBeGreaterThan(10_000_000)
    expect(multiaddrs.join()).toContain('/webrtc-direct/')
    expect(await starts()).toBe(1)
    // The losers of the race have ended.
    for (const one of several) expect((await one.hello()).daemon).toMatchObject({ pid: daemon.pid })

    const origin = 'chrome-extension://igfafdlfbpaecjlbcjichmmkokkedghb'
    expect((await fetch(`${url}/health`, { headers: { origin } })).status).toBe(401)
    const headers = { origin, authorization: `Bearer ${token}` }
    expect(await (await fetch(`${url}/health`, { headers })).json()).toMatchObject({
      pid: daemon.pid,
      scouts: [],
    })
    const log = await readFile(join(home.path, 'log', 'daemon.log'), 'utf8')
    expect(log).not.toContain(token)
    // It outlives every bridge.
    for (const one of several) expect(await one.end()).toBe(0)
    expect((await bridge().hello()).daemon).toMatchObject({ state: 'running', pid: daemon.pid })
  })

  it('pairs the Scout that it names, for good, and refuses what is no peer id', async () => {
    const { peerId } = await ensureIdentity(join(home.path, 'other'))
    const one = bridge()
    await one.hello()
    expect(await one.attach(true, peerId)).toMatchObject({ type: 'attached' })
    expect(await one.attach(false, 'no-peer')).toMatchObject({ type: 'error', code: 'BAD_PEER_ID' })
    expect(await one.attach(false)).toMatchObject({ type: 'attached' })
    const list = await shard('device', 'list')
    expect(list.log).toContain(peerId)
    await shard('stop')
    await one.status(({ state }) => state === 'stopped')
    expect(await one.attach(true)).toMatchObject({ type: 'attached' })
    expect((await shard('device', 'list')).log).toContain(peerId)
  })

  it('finds a daemon that runs already', async () => {
    const oracle = await startOracle(home.path)
    const answer = await bridge().attach(true)
    expect(answer).toMatchObject({ type: 'attached', url: oracle.url, daemon: { pid: oracle.child.pid } })
    expect(existsSync(join(home.path, 'log'))).toBe(false)
    await oracle.stop()
  })
})

describe('status', () => {
  it('running, when a daemon is started by hand; stopped, after shard stop; again and again', async () => {
    const [one, two] = [bridge(), bridge()]
    await Promise.all([one.hello(), two.hello()])
    for (let i = 0; i < 3; i++) {
      const oracle = await startOracle(home.path, '--mesh-enabled', 'false')
      for (const each of [one, two])
        expect(await each.status(({ state }) => state === 'running')).toMatchObject({ pid: oracle.child.pid })
      const stopped = await shard('stop')
      expect(stopped).toMatchObject({ code: 0, log: expect.stringContaining(`process ${oracle.child.pid}`) })
      // When it says so, it has ended.
      expect(() => process.kill(oracle.child.pid!, 0)).toThrow(/ESRCH/)
      for (const each of [one, two])
        expect(await each.status(({ state }) => state === 'stopped')).toEqual({
          state: 'stopped',
          cause: 'stopped',
          startable: true,
          why: 'the daemon has stopped: shard stop',
        })
    }
    expect(await shard('stop')).toMatchObject({ code: 4, log: expect.stringContaining('nothing to stop') })
    expect(one.messages.every(({ type }) => type === 'hello' || type === 'status')).toBe(true)
  })

  it('lost, when the daemon is killed; and the next one is not hindered by what it left', async () => {
    const one = bridge()
    await one.hello()
    for (let i = 0; i < 2; i++) {
      const oracle = await startOracle(home.path, '--mesh-enabled', 'false')
      await one.status(({ state }) => state === 'running')
      await oracle.stop('SIGKILL')
      expect(await one.status(({ state }) => state === 'stopped')).toMatchObject({
        cause: 'lost',
        startable: true,
      })
      expect(existsSync(join(home.path, 'run', 'daemon.sock'))).toBe(true)
    }
    expect(await one.attach(true)).toMatchObject({ type: 'attached' })
  })

  it('stopped, with the reason, when a signal ends it', async () => {
    const one = bridge()
    await one.hello()
    const oracle = await startOracle(home.path, '--mesh-enabled', 'false')
    await one.status(({ state }) => state === 'running')
    await oracle.stop('SIGTERM')
    expect(await one.status(({ state }) => state === 'stopped')).toMatchObject({
      cause: 'stopped',
      why: expect.stringContaining('SIGTERM'),
    })
  })

  it('the load as it changes, and the engine that died', async () => {
    const oracle = await startOracle(home.path, '--mesh-enabled', 'false', '--pace', '20')
    const one = bridge()
    await one.hello()
    const answer = fetch(`${oracle.url}/v1/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ prompt: 'Once', max_tokens: 100 }),
    })
    await one.status((daemon) => daemon.state === 'running' && daemon.load.running === 1)
    await one.status((daemon) => daemon.state === 'running' && daemon.load.running === 0)
    expect((await answer).status).toBe(200)
    const { engine } = (await (await fetch(`${oracle.url}/health`)).json()) as { engine: { pid: number } }
    process.kill(engine.pid, 'SIGKILL')
    await one.status((daemon) => daemon.state === 'running' && daemon.engine.state === 'restarting')
    await one.status((daemon) => daemon.state === 'running' && daemon.engine.state === 'ready')
    // A hundred tokens were no hundred messages.
    expect(one.messages.length).toBeLessThan(20)
    await oracle.stop()
  })
})

describe('the log of a daemon in the background', () => {
  it('does not grow without end', async () => {
    const path = join(home.path, 'log', 'daemon.log')
    await mkdir(join(home.path, 'log'))
    await writeFile(path, `${'x'.repeat(99)}\n`.repeat(15_000))
    await settings({ 'log.level': 'debug' })
    const answer = await bridge().attach(true)
    if (answer.type !== 'attached') throw new Error(answer.message)
    expect(readFileSync(path).length).toBeLessThan(1_000_000)
    expect(readFileSync(`${path}.1`).length).toBe(1_500_000)
    // Each request is a line.
    const lines = 12_000
    for (let i = 0; i < lines; i += 100)
      await Promise.all(Array.from({ length: 100 }, () => fetch(`${answer.url}/v1/models`)))
    const [now, before] = [readFileSync(path).length, readFileSync(`${path}.1`).length]
    expect(now + before).toBeGreaterThan(1024 * 1024)
    expect(now).toBeLessThan(1.2 * 1024 * 1024)
    expect(before).toBeLessThan(1.2 * 1024 * 1024)
  })
})

describe('the control socket', () => {
  it('drops whoever sends nonsense, and serves the others', async () => {
    const oracle = await startOracle(home.path, '--mesh-enabled', 'false')
    const place = controlPlace(home.path)
    const { connect } = await import('node:net')
    for (const text of ['nonsense\n', '{"type":"shutdown"}\n', '5\n', 'x'.repeat(200_000)]) {
      const socket = connect(place.mark)
      let said = ''
      socket.setEncoding('utf8').on('data', (chunk: string) => {
        said += chunk
      })
      socket.on('error', () => {})
      socket.write(text)
      await new Promise((resolve) => socket.once('close', resolve))
      if (said !== '') expect(JSON.parse(said)).toMatchObject({ type: 'error', code: 'BAD_MESSAGE' })
    }
    const client = (await ControlClient.connect(place))!
    expect(await client.attach()).toMatchObject({ url: oracle.url })
    client.end()
    await oracle.stop()
  })
})
