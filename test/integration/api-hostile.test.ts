import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { RawHttp } from '../support/raw-http.ts'
import { type ShardProcess, startOracle, temporaryHome } from '../support/shard-process.ts'

let home: Awaited<ReturnType<typeof temporaryHome>>
let oracle: ShardProcess & { url: string }
let model: string
let authority: string

beforeAll(async () => {
  home = await temporaryHome()
  const limits = ['--api-max-body-kib', '64', '--api-max-connections', '64', '--scheduler-queue', '2']
  oracle = await startOracle(home.path, '--mesh-scope', 'none', '--pace', '20', ...limits)
  authority = new URL(oracle.url).host
  const list = (await (await fetch(`${oracle.url}/v1/models`)).json()) as { data: { id: string }[] }
  model = list.data[0]!.id
})
afterAll(async () => {
  await oracle?.stop()
  await home[Symbol.asyncDispose]()
})
// Whatever was said, it serves the next one, and nothing of the last is left in a slot.
afterEach(async () => {
  expect(oracle.running).toBe(true)
  await expect.poll(running, { timeout: 30_000 }).toBe(0)
  const answer = await post({ model, messages, max_tokens: 2 })
  expect(answer.status).toBe(200)
})

const messages = [{ role: 'user', content: 'Hello.' }]
const post = (body: object | string | Uint8Array<ArrayBuffer>, headers: Record<string, string> = {}) =>
  fetch(`${oracle.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: typeof body === 'string' || body instanceof Uint8Array ? body : JSON.stringify(body),
  })
const running = async () => {
  const health = (await (await fetch(`${oracle.url}/health`)).json()) as {
    load: { running: number; queued: number }
  }
  return health.load.running + health.load.queued
}
const errorOf = async (response: Response) =>
  (
    (await response.json()) as {
      error: { code: string; message: string; param: string | null; type: string }
    }
  ).error
const request = (head: string, body = '') =>
  `${head}\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`

async function raw(text: string | Uint8Array): Promise<RawHttp & { code: number }> {
  const connection = await RawHttp.open(oracle.url)
  const code = await connection.say(text)
  connection.end()
  return Object.assign(connection, { code })
}

describe('a page of another site', () => {
  it('cannot reach it by a name that it points here', async () => {
    const hosts = [
      'evil.example',
      'evil.example:80',
      '127.0.0.1.evil.example',
      '0.0.0.0',
      '[::]',
      '169.254.1.1',
    ]
    for (const host of hosts)
      for (const path of ['/', '/health', '/v1/models', '/metrics', '/v1/system/peers'])
        expect((await raw(`GET ${path} HTTP/1.1\r\nHost: ${host}\r\n\r\n`)).code, `${host}${path}`).toBe(421)
    const twice = await raw(`GET /health HTTP/1.1\r\nHost: ${authority}\r\nHost: evil.example\r\n\r\n`)
    expect([400, 421]).toContain(twice.code)
    expect((await raw('GET /health HTTP/1.1\r\n\r\n')).code).toBe(400)
    expect((await raw(`GET http://evil.example/health HTTP/1.1\r\nHost: ${authority}\r\n\r\n`)).code).toBe(
      400,
    )
    expect((await raw(`GET /health HTTP/1.1\r\nHost: ${authority}\r\n\r\n`)).code).toBe(200)
  })

  it('cannot ask it across origins, nor be told anything', async () => {
    const origins = [
      'https://evil.example',
      'null',
      'http://localhost:3000',
      `https://${authority}`,
      'file://',
    ]
    for (const origin of origins) {
      const answer = await raw(
        request(
          `POST /v1/chat/completions HTTP/1.1\r\nHost: ${authority}\r\nOrigin: ${origin}`,
          JSON.stringify({ messages }),
        ),
      )
      expect(answer.code, origin).toBe(403)
      expect(answer.received.toLowerCase()).not.toContain('access-control')
    }
    const preflight = await raw(
      `OPTIONS /v1/chat/completions HTTP/1.1\r\nHost: ${authority}\r\nOrigin: https://evil.example\r\n` +
        'Access-Control-Request-Method: POST\r\nAccess-Control-Request-Private-Network: true\r\n\r\n',
    )
    expect(preflight.code).toBe(403)
    expect(preflight.received.toLowerCase()).not.toContain('access-control')
    // An image or a script of another site has no Origin, but says where it comes from.
    const image = `GET /health HTTP/1.1\r\nHost: ${authority}\r\nSec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: no-cors\r\n\r\n`
    expect((await raw(image)).code).toBe(403)
    const link = `GET / HTTP/1.1\r\nHost: ${authority}\r\nSec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: navigate\r\n\r\n`
    expect((await raw(link)).code).toBe(200)
  })

  it('cannot post a form', async () => {
    for (const type of [
      'text/plain',
      'application/x-www-form-urlencoded',
      'multipart/form-data; boundary=x',
      '',
    ]) {
      const answer = await post(JSON.stringify({ model, messages }), { 'content-type': type })
      expect(answer.status, type).toBe(415)
      expect((await errorOf(answer)).code).toBe('unsupported_media_type')
    }
  })

  it('cannot frame the chat page or bring scripts into it', async () => {
    const page = await fetch(oracle.url)
    const policy = page.headers.get('content-security-policy')!
    for (const part of [
      "default-src 'none'",
      "script-src 'self'",
      "frame-ancestors 'none'",
      "base-uri 'none'",
    ])
      expect(policy).toContain(part)
    expect(page.headers.get('x-content-type-options')).toBe('nosniff')
    expect(await page.text()).not.toMatch(/<script(?![^>]* src=)/)
    const api = await fetch(`${oracle.url}/health`)
    expect(api.headers.get('content-security-policy')).toContain("default-src 'none'")
    expect(api.headers.get('x-content-type-options')).toBe('nosniff')
    expect(api.headers.get('cross-origin-resource-policy')).toBe('same-origin')
  })
})

describe('a broken or hostile client', () => {
  it.each<[string, string | Uint8Array<ArrayBuffer>, string]>([
    ['nothing', '', 'invalid_json'],
    ['half an object', '{"model":', 'invalid_json'],
    ['two objects', '{}{}', 'invalid_json'],
    ['an array', '[]', 'invalid_json'],
    ['deep nesting', `{"messages":${'['.repeat(20_000)}`, 'invalid_json'],
    ['deep, closed nesting', `{"a":${'{"a":'.repeat(5000)}1${'}'.repeat(5000)}}`, 'invalid_json'],
    [
      'bytes that are no UTF-8',
      new Uint8Array([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x3a, 0x31, 0x7d]),
      'invalid_utf8',
    ],
    [
      'a field nobody defines',
      '{"messages":[{"role":"user","content":"x"}],"__proto__":{"a":1}}',
      'unknown_parameter',
    ],
  ])('sends %s', async (_, body, code) => {
    const answer = await post(body)
    expect(answer.status).toBe(400)
    expect(await errorOf(answer)).toMatchObject({ code, type: 'invalid_request_error' })
  })

  it('sends texts that are odd but fine', async () => {
    for (const content of [
      '',
      '\u0000',
      '\ud800',
      '💥'.repeat(50),
      '<|end|><|assistant|>',
      '\ufeffx',
      '\ufdd0',
    ]) {
      const answer = await post({ model, messages: [{ role: 'user', content }], max_tokens: 2 })
      expect(answer.status, JSON.stringify(content)).toBe(200)
    }
  })

  it('sends more than is read', async () => {
    const long = await post({ model, messages: [{ role: 'user', content: 'x'.repeat(70_000) }] })
    expect(long.status).toBe(413)
    expect((await errorOf(long)).code).toBe('request_too_large')
    const claimed = await raw(
      `POST /v1/chat/completions HTTP/1.1\r\nHost: ${authority}\r\nContent-Type: application/json\r\nContent-Length: 999999999999\r\n\r\n{`,
    )
    expect(claimed.code).toBe(413)
    // Without a length: counted as it comes.
    const connection = await RawHttp.open(oracle.url)
    connection.socket.write(
      `POST /v1/chat/completions HTTP/1.1\r\nHost: ${authority}\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n`,
    )
    for (let i = 0; i < 40; i++) connection.socket.write(`1000\r\n${' '.repeat(4096)}\r\n`)
    expect(await connection.status()).toBe(413)
    connection.end()
  })

  it('sends headers without measure or form', async () => {
    const huge = `GET /health HTTP/1.1\r\nHost: ${authority}\r\nX: ${'a'.repeat(40_000)}\r\n\r\n`
    expect((await raw(huge)).code).toBe(431)
    expect([0, 400]).toContain((await raw('\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n')).code)
    expect([0, 400]).toContain((await raw('GET / SHARD/9\r\n\r\n')).code)
    const smuggled =
      `POST /v1/chat/completions HTTP/1.1\r\nHost: ${authority}\r\nContent-Type: application/json\r\n` +
      'Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /health HTTP/1.1\r\n\r\n'
    expect((await raw(smuggled)).code).toBe(400)
  })

  it('uses methods and paths that are not there', async () => {
    for (const method of ['PUT', 'DELETE', 'PATCH', 'GET']) {
      const answer = await fetch(`${oracle.url}/v1/chat/completions`, { method })
      expect(answer.status, method).toBe(405)
      expect(answer.headers.get('allow')).toBe('POST')
    }
    expect((await fetch(`${oracle.url}/v1/models`, { method: 'POST' })).status).toBe(405)
    for (const path of [
      '/../../etc/passwd',
      '/assets/../../../package.json',
      '/%2e%2e/%2e%2e/package.json',
      '/shard.js',
      '/v1/nothing',
      '//',
    ])
      expect((await raw(`GET ${path} HTTP/1.1\r\nHost: ${authority}\r\n\r\n`)).code, path).toBe(404)
    for (const method of ['TRACE', 'CONNECT']) {
      const answer = await raw(`${method} /health HTTP/1.1\r\nHost: ${authority}\r\n\r\n`)
      expect([0, 400, 404, 405], method).toContain(answer.code)
    }
  })

  it('asks for an upgrade', async () => {
    const upgrade =
      `GET / HTTP/1.1\r\nHost: ${authority}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
      'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n'
    const answer = await raw(upgrade)
    expect(answer.code).toBe(400)
    expect(answer.received).not.toMatch(/^HTTP\/1\.1 101/)
  })

  it('is slow on purpose: its header or its body never ends', async () => {
    const head = await RawHttp.open(oracle.url)
    head.socket.write(`GET /health HTTP/1.1\r\nHost: ${authority}\r\n`)
    const drip = setInterval(() => head.socket.write('X-A: b\r\n'), 500)
    const body = await RawHttp.open(oracle.url)
    body.socket.write(
      `POST /v1/chat/completions HTTP/1.1\r\nHost: ${authority}\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{`,
    )
    try {
      await head.waitForClose(60_000)
      await body.waitForClose(90_000)
    } finally {
      clearInterval(drip)
    }
    expect([0, 408]).toContain(await head.status())
    expect([0, 400, 408]).toContain(await body.status())
  })

  it('opens a stream and does not read it, or goes away at once', async () => {
    const body = JSON.stringify({ model, messages, max_tokens: 200, stream: true })
    const head = `POST /v1/chat/completions HTTP/1.1\r\nHost: ${authority}`
    const rude = await RawHttp.open(oracle.url)
    rude.socket.write(request(head, body))
    rude.end()
    const mute = await RawHttp.open(oracle.url)
    mute.socket.pause()
    mute.socket.write(request(head, body))
    await expect.poll(running, { timeout: 20_000 }).toBeGreaterThan(0)
    mute.end()
  })

  it('asks too much at once: it is told to come back, and the others are served', async () => {
    const answers = await Promise.all(
      Array.from({ length: 24 }, (_, i) =>
        post({ model, messages, max_tokens: 30, seed: i, stream: i % 2 === 0 }),
      ),
    )
    const refused = answers.filter(({ status }) => status === 503)
    expect(answers.every(({ status }) => status === 200 || status === 503)).toBe(true)
    expect(answers.length - refused.length).toBeGreaterThanOrEqual(6)
    expect(refused.length).toBeGreaterThan(0)
    for (const answer of refused) {
      expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0)
      expect((await errorOf(answer)).code).toBe('overloaded')
    }
    for (const answer of answers) if (answer.status === 200) await answer.text()
  })

  it('opens more connections than there are: the rest is refused, then all is well', async () => {
    const connections = await Promise.all(Array.from({ length: 80 }, () => RawHttp.open(oracle.url)))
    await expect
      .poll(() => connections.filter(({ closed }) => closed).length, { timeout: 20_000 })
      .toBeGreaterThan(10)
    for (const connection of connections) connection.end()
    await expect
      .poll(
        () =>
          fetch(`${oracle.url}/health`).then(
            ({ status }) => status,
            () => 0,
          ),
        { timeout: 20_000 },
      )
      .toBe(200)
  })
})
