import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { SHARD, ShardProcess, startOracle, temporaryHome, waitForScouts } from '../support/shard-process.ts'

const TINT = '\x1b[32m'
const PLAIN = '\x1b[0m'

let home: Awaited<ReturnType<typeof temporaryHome>>
beforeAll(async () => {
  home = await temporaryHome()
})
afterAll(() => home[Symbol.asyncDispose]())

/** Runs a verb to its end. */
async function shard(args: readonly string[], env: NodeJS.ProcessEnv = {}, input = '') {
  const child = spawn(process.execPath, [SHARD, ...args], {
    env: { ...process.env, SHARD_HOME: home.path, ...env },
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  let out = ''
  let err = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    out += text
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    err += text
  })
  child.stdin.end(input)
  const [code] = (await once(child, 'close')) as [number]
  return { code, out, err }
}

/** Command lines of all processes below this one, by pid: Linux only. */
function descendants(pid: number): Map<number, string> {
  const parents = new Map<number, number>()
  for (const name of readdirSync('/proc').filter((entry) => /^\d+$/.test(entry))) {
    try {
      const stat = readFileSync(`/proc/${name}/stat`, 'utf8')
      parents.set(Number(name), Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]))
    } catch {
      // It ended meanwhile.
    }
  }
  const found = new Map<number, string>()
  const isBelow = (one: number): boolean => {
    const parent = parents.get(one)
    return parent !== undefined && parent > 1 && (parent === pid || isBelow(parent))
  }
  for (const one of parents.keys()) {
    if (!isBelow(one)) continue
    const command = existsSync(`/proc/${one}/cmdline`) ? readFileSync(`/proc/${one}/cmdline`, 'utf8') : ''
    found.set(one, command.replaceAll('\0', ' ').trim())
  }
  return found
}

const alive = (pid: number) => {
  try {
    // A zombie has ended: it waits for its parent only.
    return !/^\d+ \(.*\) Z/.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))
  } catch {
    return false
  }
}

describe('verbs without a daemon', () => {
  it('--help, --version, and help of every verb', async () => {
    const help = await shard(['--help'])
    expect(help.code).toBe(0)
    for (const verb of ['serve', 'scout', 'run', 'status', 'model', 'logits', 'settings']) {
      expect(help.out).toContain(verb)
      expect((await shard([verb, '--help'])).code, verb).toBe(0)
    }
    expect(help.out).not.toMatch(/^ +engine/m)
    expect((await shard(['serve', '--help'])).out).toMatch(/--engine-pace-ms <ms>/)
    expect((await shard(['--version'])).out).toMatch(/^\d+\.\d+\.\d+\n$/)
  })

  it('settings: every value and its source', async () => {
    const folder = join(home.path, 'with-file')
    await mkdir(folder)
    await writeFile(join(folder, 'settings.json'), '{"scheduler": {"slots": 3}}')
    const { code, out } = await shard(['settings', '--pace', '60'], {
      SHARD_HOME: folder,
      SHARD_API_PORT: '9',
    })
    expect(code).toBe(0)
    expect(out).toMatch(/scheduler\.slots +3 +\S+settings\.json/)
    expect(out).toMatch(/api\.port +9 +environment SHARD_API_PORT/)
    expect(out).toMatch(/engine\.pace_ms +60 ms +flag --pace/)
    const rows = JSON.parse((await shard(['settings', '--json'])).out) as { key: string }[]
    expect(rows.length).toBeGreaterThan(30)
  })

  it.each<[string[], RegExp]>([
    [['serve', '--api-prot', '1'], /--api-prot/],
    [['serve', '--pace', 'fast'], /engine\.pace_ms .*whole number.*"fast"/],
    [['serve', '--host', '0.0.0.0'], /api\.key/],
    [['nonsense'], /unknown command/],
    [['scout'], /--oracle/],
    [['scout', '--oracle', '/ip4/127.0.0.1/tcp/1', '--fault', 'odd'], /odd/],
    [['logits', '--tokens', '1,x', '--out', '/dev/null'], /--tokens/],
    [['logits', '--tokens', '999999', '--out', '/dev/null'], /999999/],
    [['logits', '--out', '/dev/null'], /--tokens/],
    [['run', '--temperature', 'warm', 'hi'], /--temperature.*warm/],
  ])('%j is refused in one line, with exit code 2', async (args, message) => {
    const { code, err } = await shard(args)
    expect(err).toMatch(message)
    expect(err).not.toMatch(/\n {4}at /)
    expect(code).toBe(2)
  })

  it('run and status say that no daemon is there', async () => {
    for (const args of [['run', 'hi'], ['status']]) {
      const { code, err } = await shard([...args, '--url', 'http://127.0.0.1:9'])
      expect(code).toBe(4)
      expect(err).toMatch(/nothing answers at http:\/\/127\.0\.0\.1:9.*shard serve/)
    }
  })

  it('serve and logits name a model that is not there', async () => {
    const serve = await shard(['serve', '--port', '0', '--model', '/no/such.gguf'])
    expect(serve).toMatchObject({ code: 1 })
    expect(serve.err).toMatch(/\/no\/such\.gguf.*engine\.model/)
    expect(
      (await shard(['logits', '--model', '/no/such.gguf', '--tokens', '1', '--out', '/dev/null'])).code,
    ).toBe(1)
  })

  it('model list shows the embedded pair', async () => {
    const models = JSON.parse((await shard(['model', 'list', '--json'])).out) as {
      note: string
      parameters: number
    }[]
    expect(models.map(({ note }) => note)).toEqual(['engine.model embedded', 'draft.model embedded'])
    for (const { parameters } of models) expect(parameters).toBeGreaterThan(100_000)
  })

  it('logits writes one row a token, and engines agree', async () => {
    const rows = async (engine: string) => {
      const out = join(home.path, `${engine}.bin`)
      const result = await shard(['logits', '--tokens', '1, 2,300', '--out', out, '--engine', engine])
      expect(result.err).toContain('3 rows')
      expect(result.code).toBe(0)
      const bytes = await readFile(out)
      return new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4)
    }
    const reference = await rows('reference')
    expect(reference.length % 3).toBe(0)
    const other = await rows('auto')
    expect(other.length).toBe(reference.length)
    const mean = reference.reduce((sum, x) => sum + x, 0) / reference.length
    const deviation = Math.sqrt(reference.reduce((sum, x) => sum + (x - mean) ** 2, 0) / reference.length)
    const difference = Math.sqrt(
      reference.reduce((sum, x, i) => sum + (x - other[i]!) ** 2, 0) / reference.length,
    )
    expect(deviation).toBeGreaterThan(0)
    expect(difference).toBeLessThan(0.02 * deviation)
  })
})

describe('a running daemon', () => {
  it('prints what is needed, answers run and status, and names itself when its ports are wanted', async () => {
    const oracle = await startOracle(join(home.path, 'a'), '--scouts', '1', '--pace', '30')
    try {
      await waitForScouts(oracle.url, 1)
      for (const part of [`${oracle.url}/v1`, '/p2p/', 'curl -N', 'native', '30 ms', '1 headless'])
        expect(oracle.log).toContain(part)
      // The printed curl works as it stands.
      const curl = /curl .*/.exec(oracle.log)![0]
      const [, data] = /-d '(.*)'/.exec(curl)!
      const answer = await fetch(/http\S+/.exec(curl)![0], {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: data!,
      })
      expect(await answer.text()).toContain('data: [DONE]')

      const url = ['--url', oracle.url]
      const plain = await shard(['run', ...url, '-n', '30', '--seed', '5', 'Tell', 'me', 'a story.'])
      expect(plain.code).toBe(0)
      expect(plain.out).not.toContain('\x1b')
      const tinted = await shard([
        'run',
        ...url,
        '-n',
        '30',
        '--seed',
        '5',
        '--color',
        '--stats',
        'Tell me a story.',
      ])
      expect(tinted.out.split(TINT).join('').split(PLAIN).join('')).toBe(plain.out)
      expect(tinted.err).toMatch(/\d+ tokens, [\d.]+\/s; \d+ drafted and accepted.*seed 5/)
      const piped = await shard(['run', ...url, '-n', '30', '--seed', '5'], {}, 'Tell me a story.')
      expect(piped.out).toBe(plain.out)
      expect((await shard(['run', ...url, '--raw', '-n', '3', 'Once upon'])).code).toBe(0)
      const refused = await shard(['run', ...url, '-t', '9', 'hi'])
      expect(refused).toMatchObject({ code: 1 })
      expect(refused.err).toMatch(/temperature/)

      const status = await shard(['status', ...url])
      expect(status.code).toBe(0)
      for (const part of ['State   ok', 'Engine', 'Scout', 'slots']) expect(status.out).toContain(part)
      expect(JSON.parse((await shard(['status', ...url, '--json'])).out)).toMatchObject({ status: 'ok' })

      const { port } = new URL(oracle.url)
      const second = await shard(['serve', '--port', port], { SHARD_HOME: join(home.path, 'b') })
      expect(second.code).toBe(3)
      expect(second.err).toMatch(
        new RegExp(`127.0.0.1:${port} .*in use by a Shard daemon.*process ${oracle.child.pid}`),
      )
      expect(second.err.trim().split('\n')).toHaveLength(1)
      const tcp = /\/ip4\/127\.0\.0\.1\/tcp\/(\d+)\/p2p/.exec(oracle.log)![1]!
      const mesh = await shard(['serve', '--port', '0', '--mesh-tcp-port', tcp], {
        SHARD_HOME: join(home.path, 'b'),
      })
      expect(mesh.code).toBe(3)
      expect(mesh.err).toMatch(
        new RegExp(`:${tcp} \\(tcp, setting mesh.tcp_port\\).*process ${oracle.child.pid}`),
      )
      const udp = /\/udp\/(\d+)\/webrtc-direct/.exec(oracle.log)![1]!
      const rtc = await shard(
        ['serve', '--port', '0', '--mesh-tcp-port', '0', '--mesh-ws-port', '0', '--mesh-webrtc-port', udp],
        { SHARD_HOME: join(home.path, 'b') },
      )
      expect(rtc.code).toBe(3)
      expect(rtc.err).toMatch(/udp, setting mesh\.webrtc_port/)
    } finally {
      await oracle.stop()
    }
  })

  it('names a holder that is no Shard', async () => {
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as { port: number }
    const { code, err } = await shard(['serve', '--port', String(port)])
    server.close()
    expect(code).toBe(3)
    expect(err).toMatch(new RegExp(`in use by process ${process.pid} `))
    expect(err).not.toContain('Shard daemon')
  })

  it.each<NodeJS.Signals>(['SIGINT', 'SIGTERM'])(
    'on %s ends its requests, its children and itself',
    async (signal) => {
      const oracle = await startOracle(join(home.path, signal), '--scouts', '2', '--pace', '60')
      await waitForScouts(oracle.url, 2)
      const children = descendants(oracle.child.pid!)
      // The engine and two Scouts.
      expect([...children.values()].filter((command) => / (engine|scout)( |$)/.test(command))).toHaveLength(3)
      const answer = await fetch(`${oracle.url}/v1/chat/completions`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({
          messages: [{ role: 'user', content: 'A long story.' }],
          stream: true,
          max_tokens: 900,
          logit_bias: { 4095: -100, 4091: -100 },
        }),
      })
      const reader = answer.body!.pipeThrough(new TextDecoderStream()).getReader()
      await reader.read()
      await oracle.stop(signal)
      let rest = ''
      for (let part = await reader.read(); !part.done; part = await reader.read()) rest += part.value
      expect(rest).toContain('"code":"shutting_down"')
      expect(oracle.child.exitCode).toBe(0)
      await expect.poll(() => [...children.keys()].filter(alive), { timeout: 20_000 }).toEqual([])
    },
  )

  it('stopped while it starts, leaves nothing', async () => {
    const oracle = new ShardProcess(['serve', '--port', '0', '--scouts', '1', '--mesh-tcp-port', '0'], {
      SHARD_HOME: join(home.path, 'early'),
      SHARD_MESH_WS_PORT: '0',
      SHARD_MESH_WEBRTC_PORT: '0',
    })
    await oracle.waitForLog(/the model is being loaded/)
    const children = descendants(oracle.child.pid!)
    await oracle.stop('SIGINT')
    expect(oracle.child.exitCode).toBe(0)
    expect(oracle.log).not.toContain('is ready')
    await expect.poll(() => [...children.keys()].filter(alive), { timeout: 20_000 }).toEqual([])
  })

  it('killed outright, leaves no child behind', async () => {
    const oracle = await startOracle(join(home.path, 'killed'), '--scouts', '2')
    await waitForScouts(oracle.url, 2)
    const children = descendants(oracle.child.pid!)
    expect(children.size).toBeGreaterThanOrEqual(3)
    await oracle.stop('SIGKILL')
    await expect.poll(() => [...children.keys()].filter(alive), { timeout: 30_000 }).toEqual([])
  })

  it('starts a Scout again that dies', async () => {
    const oracle = await startOracle(join(home.path, 'restart'), '--scouts', '1')
    try {
      await waitForScouts(oracle.url, 1)
      const scouts = async () => {
        const health = (await (await fetch(`${oracle.url}/health`)).json()) as {
          scouts: { pid: number | null; restarts: number; state: string; peer_id: string }[]
        }
        return health.scouts[0]!
      }
      const before = await scouts()
      process.kill(before.pid!, 'SIGKILL')
      await expect.poll(scouts, { timeout: 60_000 }).toMatchObject({ restarts: 1, state: 'running' })
      expect((await scouts()).peer_id).toBe(before.peer_id)
      await waitForScouts(oracle.url, 1)
    } finally {
      await oracle.stop()
    }
  })

  it('takes an API key to listen for others, and asks for it', async () => {
    const oracle = new ShardProcess(
      ['serve', '--host', '0.0.0.0', '--port', '0', '--api-key', 'sesame', '--mesh-scope', 'none'],
      { SHARD_HOME: join(home.path, 'key') },
    )
    try {
      const [, port] = await oracle.waitForLog(/http:\/\/0\.0\.0\.0:(\d+)/)
      const url = `http://127.0.0.1:${port}`
      expect((await fetch(`${url}/v1/models`)).status).toBe(401)
      expect((await fetch(`${url}/v1/models`, { headers: { authorization: 'Bearer sesame' } })).status).toBe(
        200,
      )
      expect((await shard(['status', '--url', url, '--api-key', 'sesame'])).code).toBe(0)
      expect((await shard(['status', '--url', url])).err).toMatch(/needs its key/)
      expect(oracle.log).not.toContain('sesame')
    } finally {
      await oracle.stop()
    }
  })

  it('runs the reference engine when told, and says so', async () => {
    const oracle = await startOracle(
      join(home.path, 'reference'),
      '--engine',
      'reference',
      '--mesh-scope',
      'none',
    )
    try {
      const health = await (await fetch(`${oracle.url}/health`)).json()
      expect(health).toMatchObject({ engine: { kind: 'reference', kernel: 'typescript', state: 'ready' } })
      expect(oracle.log).toMatch(/Engine +reference: the reference engine was asked for/)
    } finally {
      await oracle.stop()
    }
  })
})
