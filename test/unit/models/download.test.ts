import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { type DownloadInit, type DownloadProgress, download } from '../../../native-host/models/download.ts'
import { Hub } from '../../../native-host/models/hub.ts'
import { readPart } from '../../../native-host/models/part-file.ts'
import { FileServer, sendFile } from '../../support/file-server.ts'
import { tempFolder } from '../../support/temp-folder.ts'

const FILE = Buffer.from(Uint8Array.from({ length: 1_000_000 }, (_, i) => (i * 7) ^ (i >> 8)))
const SHA = createHash('sha256').update(FILE).digest('hex')
const SOON = { tries: 3, firstWaitMs: 1, longestWaitMs: 2, mostAskedMs: 1000 }

async function fetching(server: FileServer, init: Partial<DownloadInit> = {}) {
  const target = init.target ?? join(await tempFolder(), 'models', 'x.gguf')
  const result = () =>
    download({
      url: `${server.url}/x.gguf`,
      hub: new Hub({ host: server.url }),
      target,
      connections: 4,
      signal: new AbortController().signal,
      retry: SOON,
      chunkBytes: 100_000,
      ...init,
    })
  return { target, result }
}

describe('a download', () => {
  it('asks for many ranges, never for more at once than it may', async () => {
    await using server = await FileServer.start((asked, response) => sendFile(asked, response, FILE))
    const { target, result } = await fetching(server, { connections: 3 })
    expect(await result()).toEqual({ bytes: FILE.length, sha256: SHA, checkedBy: null })
    expect(Buffer.compare(await readFile(target), FILE)).toBe(0)
    expect(server.asked.length).toBe(11)
    expect(server.mostAtOnce).toBeLessThanOrEqual(3)
    expect(await readdir(join(target, '..'))).toEqual(['x.gguf'])
  })

  it('takes shorter ranges than it asked for', async () => {
    await using server = await FileServer.start((asked, response) =>
      sendFile(
        {
          ...asked,
          range: asked.range && {
            ...asked.range,
            end: Math.min(asked.range.end, asked.range.start + 30_000),
          },
        },
        response,
        FILE,
      ),
    )
    const { target, result } = await fetching(server)
    expect((await result()).sha256).toBe(SHA)
    expect(Buffer.compare(await readFile(target), FILE)).toBe(0)
  })

  it('gives up when nothing comes any more, and keeps what came', async () => {
    await using server = await FileServer.start((asked, response) =>
      (asked.range?.start ?? 0) < 300_000 ? sendFile(asked, response, FILE) : void response.destroy(),
    )
    const { target, result } = await fetching(server)
    await expect(result()).rejects.toMatchObject({ name: 'ModelError', code: 'BROKEN_OFF' })
    expect(await readPart(target)).toEqual({ bytes: 300_000, size: FILE.length })
    expect(existsSync(target)).toBe(false)
    expect(existsSync(`${target}.lock`)).toBe(false)
  })

  it('tells what it does', async () => {
    await using server = await FileServer.start((asked, response) => sendFile(asked, response, FILE))
    const seen: DownloadProgress[] = []
    const { result } = await fetching(server, { onProgress: (progress) => seen.push(progress) })
    await result()
    expect(seen[0]).toEqual({ phase: 'fetching', done: 0, total: FILE.length, resumed: 0 })
    const done = seen.filter(({ phase }) => phase === 'fetching').map((progress) => progress.done)
    expect(done).toEqual([...done].sort((a, b) => a - b))
    expect(seen.at(-1)).toMatchObject({ phase: 'checking', done: FILE.length })
  })

  it('asks for room first', async () => {
    await using server = await FileServer.start((asked, response) => sendFile(asked, response, FILE))
    const { target, result } = await fetching(server, {
      statfs: async () => ({ bavail: 16_500, bsize: 4096 }),
    })
    await expect(result()).rejects.toMatchObject({
      code: 'NO_SPACE',
      message: expect.stringMatching(/1\.00 MB/),
    })
    expect(server.bytesSent).toBe(4)
    expect(existsSync(target)).toBe(false)
  })

  it('trusts a file system that cannot tell', async () => {
    await using server = await FileServer.start((asked, response) => sendFile(asked, response, FILE))
    const { result } = await fetching(server, { statfs: () => Promise.reject(new Error('ENOSYS')) })
    expect((await result()).sha256).toBe(SHA)
  })

  it('takes no more than it may', async () => {
    await using server = await FileServer.start((asked, response) => {
      if (asked.path === '/endless') response.writeHead(200).end(FILE)
      else return sendFile(asked, response, FILE)
    })
    for (const url of ['/x.gguf', '/endless']) {
      const { result } = await fetching(server, { url: server.url + url, mostBytes: 10_000 })
      await expect(result()).rejects.toMatchObject({ code: 'NOT_A_MODEL' })
    }
  })

  it('stops with the reason that it was given', async () => {
    const stop = new AbortController()
    const why = new Error('enough')
    await using server = await FileServer.start((asked, response) =>
      sendFile(
        asked,
        response,
        FILE,
        asked.nth > 4 ? { hold: { after: 10, until: new Promise(() => {}) } } : {},
      ),
    )
    const { target, result } = await fetching(server, {
      signal: stop.signal,
      onProgress: ({ done }) => done > 400_000 && stop.abort(why),
    })
    await expect(result()).rejects.toBe(why)
    const part = await readPart(target)
    expect(part!.bytes).toBeGreaterThan(400_000)
    const stopped = new AbortController()
    stopped.abort(why)
    await expect((await fetching(server, { signal: stopped.signal })).result()).rejects.toBe(why)
  })

  it('two in one process do not meet', async () => {
    await using server = await FileServer.start((asked, response) => sendFile(asked, response, FILE))
    const target = join(await tempFolder(), 'x.gguf')
    const [one, other] = await Promise.allSettled([
      (await fetching(server, { target })).result(),
      (await fetching(server, { target })).result(),
    ])
    expect(one).toMatchObject({ status: 'fulfilled' })
    expect(other).toMatchObject({ status: 'rejected', reason: { code: 'BUSY' } })
  })
})

describe('what an earlier run left', () => {
  /** A half with its journal, as a killed process leaves them. */
  async function half(
    server: FileServer,
    change: (journal: Record<string, unknown>) => unknown = (same) => same,
  ) {
    const { target, result } = await fetching(server)
    await mkdir(join(target, '..'), { recursive: true })
    await writeFile(`${target}.part`, FILE.subarray(0, 500_000))
    const journal = {
      version: 1,
      url: `${server.url}/x.gguf`,
      size: FILE.length,
      validator: '"v1"',
      ranges: [[0, 500_000]],
    }
    await writeFile(`${target}.part.json`, JSON.stringify(change(journal)))
    return { target, result }
  }
  const start = () =>
    FileServer.start((asked, response) => sendFile(asked, response, FILE, { headers: { ETag: '"v1"' } }))

  it('is gone on with', async () => {
    await using server = await start()
    const { target, result } = await half(server)
    expect((await result()).sha256).toBe(SHA)
    expect(server.bytesSent).toBe(500_004)
    expect(Buffer.compare(await readFile(target), FILE)).toBe(0)
  })

  it('may be all of it', async () => {
    await using server = await start()
    const { target, result } = await half(server, (same) => ({ ...same, ranges: [[0, FILE.length]] }))
    await writeFile(`${target}.part`, FILE)
    expect((await result()).sha256).toBe(SHA)
    expect(server.bytesSent).toBe(4)
  })

  it.each<[string, (journal: Record<string, unknown>) => unknown]>([
    ['another version of the file', (same) => ({ ...same, validator: '"v0"' })],
    ['another size', (same) => ({ ...same, size: 999_999 })],
    ['another address', (same) => ({ ...same, url: 'http://127.0.0.1/y.gguf' })],
    ['ranges beyond the part', (same) => ({ ...same, ranges: [[0, 500_001]] })],
    ['ranges beyond all bounds', (same) => ({ ...same, ranges: [[0, 1e15]] })],
    ['negative ranges', (same) => ({ ...same, ranges: [[-5, 10]] })],
    ['no ranges', (same) => ({ ...same, ranges: 'all' })],
    ['a later form', (same) => ({ ...same, version: 2 })],
    ['no object', () => 'nonsense'],
  ])('with %s in its journal is not trusted', async (_, change) => {
    await using server = await start()
    const { target, result } = await half(server, change)
    expect((await result()).sha256).toBe(SHA)
    expect(server.bytesSent).toBe(FILE.length + 4)
    expect(Buffer.compare(await readFile(target), FILE)).toBe(0)
  })
})
