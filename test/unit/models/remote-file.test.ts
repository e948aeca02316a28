import { describe, expect, it } from 'vitest'
import { Hub } from '../../../native-host/models/hub.ts'
import { RemoteFile } from '../../../native-host/models/remote-file.ts'
import { FileServer } from '../../support/file-server.ts'

type Answer = (url: URL) => Response

/** Servers of any scheme and name, which real ones on loopback are not. */
function remote(url: string, answer: Answer, host = 'https://hub.example') {
  const asked: { url: string; authorization: string | undefined }[] = []
  const fetcher = async (input: string | URL | Request, init?: RequestInit) => {
    const headers = init?.headers as Record<string, string>
    asked.push({ url: String(input), authorization: headers.Authorization })
    return answer(new URL(String(input)))
  }
  return { file: new RemoteFile({ url, hub: new Hub({ host, token: 'secret' }), fetch: fetcher }), asked }
}

const part = (size = 100) =>
  new Response('GGUF', { status: 206, headers: { 'Content-Range': `bytes 0-3/${size}` } })
const to = (location: string) => new Response(null, { status: 302, headers: { Location: location } })
const signal = new AbortController().signal

describe('redirects', () => {
  it('the token goes to the hub alone, also when redirects come back to it', async () => {
    const { file, asked } = remote('https://hub.example/a', ({ href }) => {
      if (href.endsWith('/a')) return to('https://cdn.example/b')
      if (href.endsWith('/b')) return to('https://hub.example/c')
      return part()
    })
    expect(await file.probe(signal)).toMatchObject({ size: 100, ranges: true })
    expect(asked.map(({ authorization }) => authorization)).toEqual([
      'Bearer secret',
      undefined,
      'Bearer secret',
    ])
  })

  it('from https to http are refused', async () => {
    const { file, asked } = remote('https://hub.example/a', ({ protocol }) =>
      protocol === 'https:' ? to('http://cdn.example/b') : part(),
    )
    await expect(file.probe(signal)).rejects.toMatchObject({
      code: 'BAD_REDIRECT',
      message: expect.stringMatching(/from https to http:\/\/cdn\.example\/b/),
    })
    expect(asked.length).toBe(1)
  })

  it('from https to http are followed where the hub itself is reached by http', async () => {
    const { file } = remote(
      'https://other.example/a',
      ({ protocol }) => (protocol === 'https:' ? to('http://cdn.example/b') : part()),
      'http://127.0.0.1:1',
    )
    expect(await file.probe(signal)).toMatchObject({ size: 100 })
  })

  it('lose the password that they would bring along', async () => {
    const { file, asked } = remote('https://hub.example/a', ({ pathname }) =>
      pathname === '/a' ? to('https://me:pw@cdn.example/b') : part(),
    )
    await file.probe(signal)
    expect(asked[1]!.url).toBe('https://cdn.example/b')
  })
})

describe('what a server says', () => {
  it('the checksum is believed of the hub, not of others', async () => {
    const sha = 'a'.repeat(64)
    const withEtag = () => {
      const response = part()
      response.headers.set('ETag', `"${sha}"`)
      return response
    }
    const own = remote('https://hub.example/a', withEtag)
    expect(await own.file.probe(signal)).toMatchObject({ sha256: sha, validator: sha })
    const other = remote('https://other.example/a', withEtag)
    expect(await other.file.probe(signal)).toMatchObject({ sha256: null, validator: `"${sha}"` })
  })

  it('compressed answers are none', async () => {
    const { file } = remote('https://hub.example/a', () => {
      const response = part()
      response.headers.set('Content-Encoding', 'gzip')
      return response
    })
    await expect(file.probe(signal)).rejects.toMatchObject({ code: 'SERVER_FAILED' })
  })

  it.each([
    ['bytes 0-3/*', 'SERVER_LIED'],
    ['bytes 3-0/100', 'SERVER_LIED'],
    ['bytes 0-3/2', 'SERVER_LIED'],
    ['bytes 5-8/100', 'SERVER_LIED'],
    ['bytes 0-99/100', 'SERVER_LIED'],
    ['', 'SERVER_LIED'],
    ['bytes 0-3/99999999999999999999', 'SERVER_LIED'],
  ])('Content-Range %j: %s', async (range, code) => {
    const { file } = remote('https://hub.example/a', () => {
      const response = part()
      response.headers.set('Content-Range', range)
      return response
    })
    await expect(file.probe(signal)).rejects.toMatchObject({ code })
  })

  it('a weak ETag does not tell files apart, a date does', async () => {
    const { file } = remote('https://hub.example/a', () => {
      const response = part()
      response.headers.set('ETag', 'W/"1"')
      response.headers.set('Last-Modified', 'Thu, 01 Jan 2026 00:00:00 GMT')
      return response
    })
    expect(await file.probe(signal)).toMatchObject({ validator: 'Thu, 01 Jan 2026 00:00:00 GMT' })
  })

  it('a changed version is seen between two ranges', async () => {
    let version = 1
    const { file } = remote('https://hub.example/a', () => {
      const response = part()
      response.headers.set('ETag', `"${version}"`)
      return response
    })
    await file.probe(signal)
    version = 2
    await expect(file.open({ start: 0, end: 4 }, signal)).rejects.toMatchObject({ code: 'SOURCE_CHANGED' })
  })
})

it('a server that goes silent is given up', async () => {
  await using server = await FileServer.start((_, response) => {
    response.writeHead(200, { 'Content-Length': 100 }).write('GGUF')
  })
  const hub = new Hub({ host: server.url })
  const file = new RemoteFile({ url: `${server.url}/x`, hub, stallMs: 200 })
  const body = await file.open(null, signal)
  const read = async () => {
    for await (const _ of body.chunks);
  }
  await expect(read()).rejects.toMatchObject({ name: 'TransientError', code: 'BROKEN_OFF' })
})

it('stops at once when it should', async () => {
  await using server = await FileServer.start((_, response) => {
    response.writeHead(200, { 'Content-Length': 100 }).write('GGUF')
  })
  const stop = new AbortController()
  const file = new RemoteFile({ url: `${server.url}/x`, hub: new Hub({ host: server.url }) })
  const body = await file.open(null, stop.signal)
  const why = new Error('enough')
  const read = async () => {
    for await (const _ of body.chunks) stop.abort(why)
  }
  await expect(read()).rejects.toBe(why)
})
