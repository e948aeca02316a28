import { once } from 'node:events'
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Installed, installed, processesOf } from '../support/package.ts'
import { SHARD, ShardProcess, waitForScouts } from '../support/shard-process.ts'

const PORTS = ['--port', '0', '--mesh-tcp-port', '0', '--mesh-ws-port', '0', '--mesh-webrtc-port', '0']
const posix = process.platform !== 'win32'

let shard: Installed
beforeAll(async () => {
  shard = await installed()
})
afterAll(() => shard[Symbol.asyncDispose]())

/** Runs a verb of the executable to its end; what it wrote. */
async function run(...args: string[]): Promise<string> {
  const one = new ShardProcess(args, shard.env, shard.program)
  const [code] = await once(one.child, 'close')
  expect(code, one.log).toBe(0)
  return one.log
}

/** Files below the empty home, as paths from it. */
const files = () =>
  readdirSync(shard.home, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))

const unpackedFile = (name: string) => {
  const found = files().filter((file) => file.endsWith(name))
  expect(found, name).toHaveLength(1)
  return found[0]!
}

describe('the single executable, alone, in an empty home', () => {
  it('says its version and unpacks nothing for it', async () => {
    const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))
    expect((await run('--version')).trim()).toBe(version)
    expect(files()).toEqual([])
  })

  it('lists the embedded pair, with nothing but its own files', async () => {
    const models = JSON.parse(await run('model', 'list', '--json')) as { path: string; context: number }[]
    expect(models).toHaveLength(2)
    for (const { path, context } of models) {
      expect(path.startsWith(shard.home)).toBe(true)
      expect(context).toBeGreaterThan(0)
    }
  })

  it('computes what the checkout computes, bit for bit', async () => {
    const logits = (file: string) => ['logits', '--tokens', '1,2,3,4', '--engine', 'native', '--out', file]
    const [ours, theirs] = [join(shard.home, 'ours.f32'), join(shard.home, 'theirs.f32')]
    await run(...logits(ours))
    const checkout = new ShardProcess(logits(theirs))
    await once(checkout.child, 'close')
    expect(readFileSync(ours).equals(readFileSync(theirs)), `${SHARD}: ${checkout.log}`).toBe(true)
  })

  it('replaces what is broken in its cache, and lets nobody else into it', async () => {
    for (const name of ['shard-engine.node', 'target.gguf']) {
      const file = unpackedFile(name)
      const whole = readFileSync(file)
      // Cut short, as by a full disk; and as long as before.
      for (const broken of [whole.subarray(0, 1000), Buffer.from(whole).fill(0, 200, 300)]) {
        writeFileSync(file, broken)
        const log = await run(
          'logits',
          '--tokens',
          '1',
          '--engine',
          'native',
          '--out',
          join(shard.home, 'one'),
        )
        expect(log).toContain('the native engine was asked for')
        expect(readFileSync(file).equals(whole)).toBe(true)
      }
      // No other name is left in its folder.
      expect(readdirSync(join(file, '..')).filter((other) => other.startsWith(name))).toEqual([name])
      if (posix) expect(statSync(join(file, '..')).mode & 0o077).toBe(0)
    }
  })
})

describe('the daemon out of the single executable', () => {
  let daemon: ShardProcess
  let url: string
  beforeAll(async () => {
    daemon = new ShardProcess(['serve', ...PORTS, '--scouts', '1', '--pace', '30'], shard.env, shard.program)
    ;[url] = (await daemon.waitForLog(/http:\/\/127\.0\.0\.1:\d+(?=\/v1)/)) as unknown as [string]
  })
  afterAll(() => daemon.stop())

  it('runs the native engine in a process of its own, says why, and listens for browsers', async () => {
    const health = await (await fetch(`${url}/health`)).json()
    expect(health.engine).toMatchObject({ kind: 'native', state: 'ready' })
    expect(health.engine.why).toMatch(/the native engine runs here, kernel \w+/)
    expect(health.engine.pid).not.toBe(health.pid)
    expect(health.mesh.multiaddrs.join()).toContain('/webrtc-direct/')
  })

  it('streams an answer that its Scout helps with', async () => {
    await waitForScouts(url, 1)
    const answer = await fetch(`${url}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        messages: [{ role: 'user', content: 'Tell me a story about a fox.' }],
        ...{ stream: true, max_tokens: 60, seed: 5, stream_options: { include_usage: true } },
      }),
    })
    const text = await answer.text()
    expect(text.match(/"content":"[^"]/g)!.length).toBeGreaterThan(5)
    expect(Number(/"accepted_prediction_tokens":(\d+)/.exec(text)![1])).toBeGreaterThan(0)
    expect(text.trimEnd().endsWith('data: [DONE]')).toBe(true)
  })

  it('serves the chat page with all that it loads', async () => {
    const page = await (await fetch(`${url}/`)).text()
    const parts = [...page.matchAll(/(?:src|href)="(\/assets\/[^"]+)"/g)].map((match) => match[1])
    expect(parts.length).toBeGreaterThan(1)
    for (const part of parts) expect((await fetch(url + part)).status, part).toBe(200)
  })

  it('answers its own command line', async () => {
    expect(await run('status', '--url', url)).toContain('State   ok')
    expect((await run('run', '--url', url, '-n', '5', 'Once upon a time')).trim()).not.toBe('')
  })

  it.skipIf(!posix)('starts its engine again', async () => {
    const { engine } = await (await fetch(`${url}/health`)).json()
    process.kill(engine.pid, 'SIGKILL')
    await expect
      .poll(async () => (await (await fetch(`${url}/health`)).json()).engine, { timeout: 20_000 })
      .toMatchObject({ state: 'ready', restarts: 1, kind: 'native' })
  })

  it.skipIf(!posix)('leaves nothing behind on Ctrl-C', async () => {
    const { command } = shard.program
    // Itself, the engine, the Scout.
    const running = processesOf(command)
    expect(running.length).toBeGreaterThanOrEqual(3)
    const ended = once(daemon.child, 'exit')
    // A terminal's Ctrl-C reaches them all.
    for (const pid of running) process.kill(pid, 'SIGINT')
    await ended
    expect(daemon.child.exitCode, daemon.log).toBe(0)
    await expect.poll(() => processesOf(command), { timeout: 10_000 }).toEqual([])
    expect(readdirSync(join(command, '..')).sort()).toEqual(['home', 'shard'])
  })
})
