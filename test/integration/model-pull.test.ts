import { spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { modelFile } from '../../native-host/daemon/model-files.ts'
import { type Asked, FileServer, sendFile } from '../support/file-server.ts'
import { Random } from '../support/random.ts'
import { randomGguf } from '../support/random-gguf.ts'
import { SHARD, ShardProcess, temporaryHome } from '../support/shard-process.ts'

const MB = 1_000_000
const TOKEN = 'hf_secret-of-a-test'

/** A GGUF file with so many bytes that several ranges are asked for: what follows the tensors belongs to none. */
function bigModel(bytes: number): Buffer {
  const model = randomGguf()
  const file = Buffer.alloc(bytes)
  const random = new Random(7)
  for (let at = 0; at + 4 <= bytes; at += 4) file.writeUInt32LE(random.integer(2 ** 32), at)
  file.set(model)
  return file
}

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')
const MODEL = bigModel(40 * MB)
const SMALL = bigModel(1 * MB)
const HUB_PATH = '/owner/repo/resolve/main/some-model.gguf'
const SOURCE = 'hf:owner/repo/some-model.gguf'

let home: Awaited<ReturnType<typeof temporaryHome>>
const running: AsyncDisposable[] = []
beforeEach(async () => {
  home = await temporaryHome()
})
afterEach(async () => {
  for (const one of running.splice(0)) await one[Symbol.asyncDispose]()
  await home[Symbol.asyncDispose]()
})

const folder = (name = 'some-model') => join(home.path, 'models', name)
const pulled = (file = 'some-model.gguf') => join(folder(), file)

function pull(
  hub: string,
  args: readonly string[] = [SOURCE, '--no-tokenizer'],
  env: NodeJS.ProcessEnv = {},
) {
  const process = new ShardProcess(['model', 'pull', ...args, '--host', hub], {
    SHARD_HOME: home.path,
    HF_TOKEN: '',
    HF_ENDPOINT: '',
    ...env,
  })
  running.push({ [Symbol.asyncDispose]: () => process.stop('SIGKILL') })
  return process
}

/** To its end. */
async function pulling(...args: Parameters<typeof pull>): Promise<{ code: number; log: string }> {
  const process = pull(...args)
  if (process.running) await once(process.child, 'close')
  return { code: process.child.exitCode!, log: process.log }
}

async function serving(handler: Parameters<typeof FileServer.start>[0]): Promise<FileServer> {
  const server = await FileServer.start(handler)
  running.push(server)
  return server
}

/** Bytes that the journal of a download has. */
function journalled(path = pulled()): number {
  if (!existsSync(`${path}.part.json`)) return 0
  const { ranges } = JSON.parse(readFileSync(`${path}.part.json`, 'utf8')) as { ranges: [number, number][] }
  return ranges.reduce((sum, [start, end]) => sum + end - start, 0)
}

async function until(condition: () => boolean): Promise<void> {
  const deadline = performance.now() + 60_000
  while (!condition()) {
    if (performance.now() > deadline) throw new Error('it never came')
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

const isProbe = ({ range }: Asked) => range !== null && range.end <= 4
/** What the server sends of a file beside the file itself: the first bytes, once a run. */
const PROBE = 4

describe('a pull', () => {
  it('fetches ranges side by side, checks them against what the hub says, and leaves only the model', async () => {
    const hub = await serving((asked, response) =>
      sendFile(asked, response, MODEL, { headers: { 'X-Linked-Etag': `"${sha256(MODEL)}"` } }),
    )
    const { code, log } = await pulling(hub.url)
    expect(code, log).toBe(0)
    expect(sha256(await readFile(pulled()))).toBe(sha256(MODEL))
    expect(log).toContain(`SHA-256 ${sha256(MODEL)}, as the hub has it`)
    expect(log).toMatch(/some-model\.gguf .*100 % {2}40\.0 MB of 40\.0 MB/)
    const ranges = hub.asked.filter((asked) => !isProbe(asked)).map(({ range }) => range)
    expect(ranges.length).toBe(3)
    expect(hub.bytesSent).toBe(MODEL.length + PROBE)
    expect(hub.mostAtOnce).toBeGreaterThan(1)
    expect((await readdir(folder())).sort()).toEqual(['shard-model.json', 'some-model.gguf'])
    expect(await readdir(join(home.path, 'models'))).toEqual(['some-model'])
    expect(JSON.parse(await readFile(join(folder(), 'shard-model.json'), 'utf8'))).toMatchObject({
      sha256: sha256(MODEL),
      checked_by: 'hub',
      from: `${hub.url}${HUB_PATH}`,
    })
    // Once more, and nothing is asked for.
    const again = await pulling(hub.url)
    expect(again.log).toMatch(/here already/)
    expect(again.code).toBe(0)
    expect(hub.bytesSent).toBe(MODEL.length + PROBE)
  })

  it('brings the tokenizer, and the engine runs the model by its name', async () => {
    const model = await readFile(modelFile('embedded', 'target'))
    const beside = (name: string) => readFile(join(modelFile('embedded', 'target'), '..', name))
    const hub = await serving(async (asked, response) => {
      const name = asked.path.split('/').at(-1)!
      await sendFile(asked, response, name.endsWith('.gguf') ? model : await beside(name))
    })
    const { code, log } = await pulling(hub.url, [SOURCE])
    expect(code, log).toBe(0)
    expect(log).toMatch(/nothing says what its checksum should be/)
    expect(log).not.toMatch(/another model's|does not load|engine/)
    expect((await readdir(folder())).sort()).toEqual([
      'shard-model.json',
      'some-model.gguf',
      'tokenizer.json',
      'tokenizer_config.json',
    ])
    const out = join(home.path, 'logits')
    const logits = spawnSync(
      process.execPath,
      [SHARD, 'logits', '--model', 'some-model', '--tokens', '1,2', '--out', out],
      { env: { ...process.env, SHARD_HOME: home.path }, encoding: 'utf8' },
    )
    expect(logits.status, logits.stderr).toBe(0)
    const show = spawnSync(process.execPath, [SHARD, 'model', 'show', 'some-model', '--json'], {
      env: { ...process.env, SHARD_HOME: home.path },
      encoding: 'utf8',
    })
    expect(JSON.parse(show.stdout)).toMatchObject({
      runs: true,
      from: `${hub.url}${HUB_PATH}`,
      pairs: [
        { name: 'embedded', tokenizer: 'same' },
        { name: 'embedded-draft', as: 'draft', tokenizer: 'same' },
      ],
    })
  })

  it('says so when the tokenizer beside the model is another one', async () => {
    const tokenizer = await readFile(join(modelFile('embedded', 'target'), '..', 'tokenizer.json'))
    const hub = await serving((asked, response) =>
      sendFile(asked, response, asked.path.endsWith('.gguf') ? SMALL : tokenizer),
    )
    const { code, log } = await pulling(hub.url, [SOURCE])
    expect(code, log).toBe(0)
    expect(log).toMatch(/another model's/)
  })

  it('says the licence first, and fetches no model whose tokenizer cannot be had', async () => {
    const hub = await serving((_, response) => void response.writeHead(404).end())
    const { code, log } = await pulling(hub.url, ['ternary-bonsai-1.7b'])
    expect(log).toMatch(/Ternary-Bonsai-1\.7B, licence Apache-2\.0/)
    expect(log).not.toMatch(/Warning/)
    expect(code).toBe(1)
    expect(log).toMatch(/tokenizer of ternary-bonsai-1\.7b cannot be had.*--no-tokenizer/)
    expect(existsSync(folder('ternary-bonsai-1.7b'))).toBe(false)
  })

  it('takes HF_ENDPOINT for the hub, unless the host is set', async () => {
    const hub = await serving((asked, response) => sendFile(asked, response, SMALL))
    const process = new ShardProcess(['model', 'pull', SOURCE, '--no-tokenizer'], {
      SHARD_HOME: home.path,
      HF_ENDPOINT: `${hub.url}/`,
    })
    await once(process.child, 'close')
    expect(process.child.exitCode, process.log).toBe(0)
    expect(hub.asked[0]!.path).toBe(HUB_PATH)
  })
})

describe('what is interrupted', () => {
  /** The first run gets a part of every range and then nothing; later ones get all. */
  async function halting(part: number) {
    const gate = Promise.withResolvers<void>()
    const state = { isOpen: false, hub: null as FileServer | null, bytesBefore: 0 }
    state.hub = await serving((asked, response) =>
      sendFile(
        asked,
        response,
        MODEL,
        isProbe(asked) || state.isOpen
          ? { headers: { ETag: '"one"' } }
          : { headers: { ETag: '"one"' }, hold: { after: part, until: gate.promise } },
      ),
    )
    return {
      hub: state.hub,
      open: () => {
        state.isOpen = true
        gate.resolve()
      },
    }
  }

  it('a killed process goes on where it was, and fetches only what is missing', async () => {
    const { hub, open } = await halting(3 * MB)
    const first = pull(hub.url)
    await until(() => journalled() >= 9 * MB)
    await first.stop('SIGKILL')
    await until(() => hub.open === 0)
    // Whatever the killed one had not written down is asked for again.
    const had = journalled()
    const before = hub.bytesSent
    expect(existsSync(pulled())).toBe(false)
    open()
    const { code, log } = await pulling(hub.url)
    expect(code, log).toBe(0)
    expect(sha256(await readFile(pulled()))).toBe(sha256(MODEL))
    expect(hub.bytesSent - before).toBe(MODEL.length - had + PROBE)
  })

  it('loses no byte to Ctrl-C', async () => {
    const { hub, open } = await halting(3 * MB)
    const first = pull(hub.url)
    await until(() => hub.bytesSent >= 9 * MB)
    const list = () =>
      spawnSync(process.execPath, [SHARD, 'model', 'list'], {
        env: { ...process.env, SHARD_HOME: home.path },
        encoding: 'utf8',
      }).stdout
    expect(list()).toMatch(new RegExp(`process ${first.child.pid} is fetching it`))
    await first.stop('SIGINT')
    await until(() => hub.open === 0)
    expect(first.child.exitCode).toBe(130)
    expect(first.log).toMatch(/what came is kept/)
    const had = journalled()
    // Every byte that the file has; the rest was still in the socket.
    expect(had).toBeGreaterThan(0)
    expect(list()).toMatch(/some-model .*\d+ % is here, pull it again to go on/)
    const before = hub.bytesSent
    open()
    const second = await pulling(hub.url)
    expect(second.code, second.log).toBe(0)
    expect(hub.bytesSent - before).toBe(MODEL.length - had + PROBE)
    expect(sha256(await readFile(pulled()))).toBe(sha256(MODEL))
  })

  it('begins anew when the file is another one by then', async () => {
    const { hub, open } = await halting(3 * MB)
    const first = pull(hub.url)
    await until(() => hub.bytesSent >= 9 * MB)
    await first.stop('SIGINT')
    expect(journalled()).toBeGreaterThan(0)
    open()
    const other = bigModel(40 * MB)
    other[39 * MB]! ^= 1
    const changed = await serving((asked, response) =>
      sendFile(asked, response, other, { headers: { ETag: '"two"' } }),
    )
    const { code, log } = await pulling(changed.url)
    expect(code, log).toBe(0)
    expect(changed.bytesSent).toBe(other.length + PROBE)
    expect(sha256(await readFile(pulled()))).toBe(sha256(other))
  })

  it('lets nobody else fetch the same file meanwhile', async () => {
    const { hub, open } = await halting(3 * MB)
    const first = pull(hub.url)
    await until(() => hub.bytesSent >= 9 * MB)
    const second = await pulling(hub.url)
    expect(second.code).toBe(1)
    expect(second.log).toMatch(new RegExp(`process ${first.child.pid} is fetching`))
    const remove = spawnSync(process.execPath, [SHARD, 'model', 'rm', 'some-model', '--yes'], {
      env: { ...process.env, SHARD_HOME: home.path },
      encoding: 'utf8',
    })
    expect(remove.stderr).toMatch(/is fetching some-model/)
    open()
    if (first.running) await once(first.child, 'close')
    expect(first.child.exitCode, first.log).toBe(0)
    expect(sha256(await readFile(pulled()))).toBe(sha256(MODEL))
  })

  it('of several that start at once, one fetches', async () => {
    const { hub, open } = await halting(MB)
    await mkdir(join(home.path, 'models'), { recursive: true })
    // A lock of a process that is gone, which all of them find.
    const gone = spawn(process.execPath, ['-e', ''])
    await once(gone, 'close')
    await writeFile(`${folder()}.lock`, String(gone.pid))
    const all = [0, 1, 2, 3].map(() => pull(hub.url))
    await until(() => all.filter((one) => !one.running).length === 3)
    open()
    const winner = all.find((one) => one.running) ?? all.find((one) => one.child.exitCode === 0)!
    if (winner.running) await once(winner.child, 'close')
    expect(all.map(({ child }) => child.exitCode).sort()).toEqual([0, 1, 1, 1])
    expect(sha256(await readFile(pulled()))).toBe(sha256(MODEL))
    expect(hub.bytesSent).toBe(MODEL.length + PROBE)
  })

  it('rm takes a part away, too', async () => {
    const { hub } = await halting(MB)
    const first = pull(hub.url)
    await until(() => hub.bytesSent >= MB)
    await first.stop('SIGKILL')
    const remove = spawnSync(process.execPath, [SHARD, 'model', 'rm', 'some-model', '--yes'], {
      env: { ...process.env, SHARD_HOME: home.path },
      encoding: 'utf8',
    })
    expect(remove.status, remove.stderr).toBe(0)
    expect(existsSync(folder())).toBe(false)
  })
})

describe('servers as they are', () => {
  it('drops connections: what is missing is asked for again', async () => {
    let dropped = 0
    const hub = await serving((asked, response) =>
      sendFile(
        asked,
        response,
        MODEL,
        !isProbe(asked) && asked.nth < 8 && ++dropped ? { cutAfter: 1_500_000 } : {},
      ),
    )
    const { code, log } = await pulling(hub.url)
    expect(code, log).toBe(0)
    expect(dropped).toBeGreaterThan(3)
    expect(log).toMatch(/broke off.*; trying again/)
    expect(sha256(await readFile(pulled()))).toBe(sha256(MODEL))
  })

  it('sends no ranges: one connection', async () => {
    const hub = await serving((asked, response) => sendFile(asked, response, MODEL, { ignoreRange: true }))
    const { code, log } = await pulling(hub.url)
    expect(code, log).toBe(0)
    expect(log).toMatch(/sends no parts of files: one connection/)
    expect(hub.asked.length).toBe(2)
    expect(sha256(await readFile(pulled()))).toBe(sha256(MODEL))
  })

  it('sends no ranges after all, having said that it would', async () => {
    const hub = await serving((asked, response) =>
      sendFile(asked, response, MODEL, { ignoreRange: !isProbe(asked) }),
    )
    const { code, log } = await pulling(hub.url)
    expect(code, log).toBe(0)
    expect(sha256(await readFile(pulled()))).toBe(sha256(MODEL))
  })

  it('says no length', async () => {
    const hub = await serving((_, response) => {
      response.writeHead(200).end(SMALL)
    })
    const { code, log } = await pulling(hub.url)
    expect(code, log).toBe(0)
    expect(sha256(await readFile(pulled()))).toBe(sha256(SMALL))
  })

  it('redirects to another host, which gets no token', async () => {
    const cdn = await serving((asked, response) => sendFile(asked, response, SMALL))
    const hub = await serving((asked, response) => {
      if (asked.headers.authorization !== `Bearer ${TOKEN}`) response.writeHead(401).end()
      else
        response
          .writeHead(302, {
            Location: `${cdn.url}/somewhere?X-Amz-Signature=secret`,
            'X-Linked-Etag': `"${sha256(SMALL)}"`,
            'X-Linked-Size': String(SMALL.length),
          })
          .end()
    })
    const { code, log } = await pulling(hub.url, undefined, { HF_TOKEN: TOKEN })
    expect(code, log).toBe(0)
    expect(log).toContain('as the hub has it')
    expect(cdn.asked.length).toBeGreaterThan(1)
    expect(cdn.asked.map(({ headers }) => headers.authorization).filter(Boolean)).toEqual([])
    const kept = await readFile(join(folder(), 'shard-model.json'), 'utf8')
    expect(log + kept).not.toMatch(/secret/)
    // The way to the file is asked for once, not for every range.
    expect(hub.asked.length).toBe(1)
  })

  it('gives no token to an address of somebody else', async () => {
    const other = await serving((asked, response) => sendFile(asked, response, SMALL))
    const hub = await serving((_, response) => void response.writeHead(500).end())
    const { code, log } = await pulling(hub.url, [`${other.url}/x/some-model.gguf?key=1`, '--no-tokenizer'], {
      HF_TOKEN: TOKEN,
    })
    expect(code, log).toBe(0)
    expect(other.asked.every(({ headers }) => headers.authorization === undefined)).toBe(true)
    expect(hub.asked).toEqual([])
  })

  it('asks for patience, and gets it', async () => {
    const at: number[] = []
    const hub = await serving((asked, response) => {
      at.push(performance.now())
      if (asked.nth === 1) response.writeHead(429, { 'Retry-After': '2' }).end()
      else return sendFile(asked, response, SMALL)
    })
    const { code, log } = await pulling(hub.url)
    expect(code, log).toBe(0)
    expect(log).toMatch(/429.*asks for 2 s.*trying again/)
    expect(at[2]! - at[1]!).toBeGreaterThan(1_900)
  })

  it('lets a signed address expire', async () => {
    const cdn = await serving((asked, response) => {
      // The first signature is good for the first bytes alone.
      if (asked.path === '/sig-0' && !isProbe(asked)) response.writeHead(403).end()
      else return sendFile(asked, response, SMALL)
    })
    const hub = await serving((asked, response) => {
      response.writeHead(302, { Location: `${cdn.url}/sig-${asked.nth}` }).end()
    })
    const { code, log } = await pulling(hub.url)
    expect(code, log).toBe(0)
    expect(sha256(await readFile(pulled()))).toBe(sha256(SMALL))
  })
})

describe('what cannot be had', () => {
  const linked = { 'X-Linked-Etag': `"${sha256(SMALL)}"` }
  const corrupt = Buffer.from(SMALL)
  corrupt[SMALL.length - 1]! ^= 1

  it.each<[string, Parameters<typeof FileServer.start>[0], string[], RegExp]>([
    [
      'corrupt bytes',
      (asked, response) => sendFile(asked, response, corrupt, { headers: linked }),
      [],
      /SHA-256 .* and hub says .*was deleted/,
    ],
    [
      'bytes that are not those of --sha256',
      (asked, response) => sendFile(asked, response, SMALL),
      ['--sha256', 'a'.repeat(64)],
      /--sha256 says a{64}.*deleted/,
    ],
    [
      'a file that the hub announces as another',
      (asked, response) => sendFile(asked, response, SMALL, { headers: linked }),
      ['--sha256', 'a'.repeat(64)],
      /announces .* was not fetched/,
    ],
    [
      'nothing there',
      (_, response) => void response.writeHead(404).end(),
      [],
      /nothing at .*some-model\.gguf.*404/,
    ],
    [
      'a gated repository',
      (_, response) => void response.writeHead(401, { 'X-Error-Code': 'GatedRepo' }).end(),
      [],
      /refused \(status 401\).*accept its licence.*HF_TOKEN/,
    ],
    [
      'a page instead of the file',
      (asked, response) => sendFile(asked, response, Buffer.from('<!DOCTYPE html>'.padEnd(5000))),
      [],
      /begins with "<!DO" and not with GGUF/,
    ],
    [
      'a page, where no ranges are sent',
      (asked, response) =>
        sendFile(asked, response, Buffer.from('<html>'.padEnd(5000)), { ignoreRange: true }),
      [],
      /no GGUF file and was deleted/,
    ],
    [
      'a length that the hub and its store do not agree on',
      (asked, response) => sendFile(asked, response, SMALL, { headers: { 'X-Linked-Size': '5' } }),
      [],
      /says the file has 5 bytes, and then 1000000/,
    ],
    [
      'other bytes than were asked for',
      (asked, response) =>
        isProbe(asked)
          ? sendFile(asked, response, SMALL)
          : sendFile({ ...asked, range: { start: 100, end: 200 } }, response, SMALL),
      [],
      /was asked for bytes 0 to 1000000 and sends 100 to 200/,
    ],
    [
      'a length beyond all bounds',
      (_, response) =>
        void response.writeHead(206, { 'Content-Range': 'bytes 0-3/99999999999999' }).end('GGUF'),
      [],
      /99999999999999 bytes.*cannot be trusted/,
    ],
    [
      'a file that is shorter than was said',
      (asked, response) =>
        isProbe(asked)
          ? void response.writeHead(206, { 'Content-Range': 'bytes 0-3/2000000' }).end('GGUF')
          : sendFile(asked, response, SMALL),
      [],
      /changed while it was fetched \(2000000 bytes, then 1000000\)/,
    ],
    [
      'a body longer than was said',
      (asked, response) => {
        if (isProbe(asked)) return sendFile(asked, response, SMALL)
        response.writeHead(206, { 'Content-Range': `bytes 0-${SMALL.length - 1}/${SMALL.length}` })
        response.write(SMALL)
        response.end(Buffer.alloc(100_000))
      },
      [],
      /sends more than the 1000000 bytes that it announced/,
    ],
    [
      'redirects without end',
      (asked, response) => void response.writeHead(302, { Location: asked.path }).end(),
      [],
      /redirects more than 8 times/,
    ],
    [
      'a redirect to no address',
      (_, response) => void response.writeHead(302, { Location: 'file:///etc/passwd' }).end(),
      [],
      /redirects to "file:\/\/\/etc\/passwd"/,
    ],
    [
      'a server that asks for more patience than there is',
      (_, response) => void response.writeHead(429, { 'Retry-After': '3600' }).end(),
      [],
      /asks for 3600 s: run the same command again/,
    ],
    ['a server that fails', (_, response) => void response.writeHead(503).end(), [], /fails \(status 503\)/],
  ])('%s', async (_, handler, args, message) => {
    const hub = await serving(handler)
    const { code, log } = await pulling(hub.url, [SOURCE, '--no-tokenizer', ...args])
    expect(log).toMatch(message)
    expect(log).not.toMatch(/\n {4}at /)
    expect(code).toBe(1)
    expect(existsSync(pulled())).toBe(false)
  })

  it('leaves nothing behind of what is corrupt, and fetches it whole again', async () => {
    let isBroken = true
    const hub = await serving((asked, response) =>
      sendFile(asked, response, isBroken ? corrupt : SMALL, { headers: linked }),
    )
    expect((await pulling(hub.url)).code).toBe(1)
    expect(existsSync(folder())).toBe(false)
    isBroken = false
    expect((await pulling(hub.url)).code).toBe(0)
    expect(sha256(await readFile(pulled()))).toBe(sha256(SMALL))
  })

  it('a host that nobody answers at', async () => {
    const closed = createServer().listen(0, '127.0.0.1')
    await once(closed, 'listening')
    const { port } = closed.address() as { port: number }
    await new Promise((resolve) => closed.close(resolve))
    const { code, log } = await pulling(`http://127.0.0.1:${port}`)
    expect(code).toBe(1)
    expect(log).toMatch(/cannot reach 127\.0\.0\.1:\d+ \(ECONNREFUSED\).*proxy/)
  })

  it.each([
    [['nobody-knows-this'], /no model is called/],
    [['hf:owner/repo'], /names no GGUF file/],
    [['hf:owner/repo/../../x.gguf'], /names no GGUF file/],
    [['ftp://x/y.gguf'], /must be an http or https address/],
    [['http://me:pw@127.0.0.1/y.gguf'], /holds a password/],
    [['embedded'], /comes with Shard/],
    [['qwen3-0.6b'], /browser/],
    [[SOURCE, '--name', '../up'], /no name for a model/],
    [[SOURCE, '--sha256', 'abc'], /64 hexadecimal digits/],
  ])('%j is refused with exit code 2', async (args, message) => {
    const { code, log } = await pulling('http://127.0.0.1:9', args)
    expect(log).toMatch(message)
    expect(code).toBe(2)
  })
})

/** A small disk of its own; null where this user may make none. */
async function smallDisk(path: string, size: string): Promise<AsyncDisposable | null> {
  await mkdir(path, { recursive: true })
  if (spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', path]).status !== 0) return null
  const disk = {
    async [Symbol.asyncDispose]() {
      spawnSync('umount', ['-l', path])
    },
  }
  running.push(disk)
  return disk
}

describe('a full disk', () => {
  it('is seen before anything is fetched', async (context) => {
    if ((await smallDisk(join(home.path, 'models'), '90m')) === null) context.skip('only root mounts disks')
    const hub = await serving((asked, response) => sendFile(asked, response, MODEL))
    const { code, log } = await pulling(hub.url)
    expect(code).toBe(1)
    expect(log).toMatch(/40\.0 MB are to come and 9\d\.\d MB are free.*make room/)
    expect(hub.bytesSent).toBe(PROBE)
  })

  it('in the middle keeps what came, and goes on when there is room', async (context) => {
    const models = join(home.path, 'models')
    if ((await smallDisk(models, '120m')) === null) context.skip('only root mounts disks')
    const hub = await serving(async (asked, response) => {
      // Somebody else fills it meanwhile.
      if (!isProbe(asked) && asked.nth === 1) await writeFile(join(models, 'other'), Buffer.alloc(95 * MB))
      return sendFile(asked, response, MODEL)
    })
    const { code, log } = await pulling(hub.url)
    expect(code).toBe(1)
    expect(log).toMatch(/the disk is full: make room/)
    const had = journalled()
    await rm(join(models, 'other'))
    const before = hub.bytesSent
    const again = await pulling(hub.url)
    expect(again.code, again.log).toBe(0)
    expect(sha256(await readFile(pulled()))).toBe(sha256(MODEL))
    expect(hub.bytesSent - before).toBe(MODEL.length - had + PROBE)
  })
})
