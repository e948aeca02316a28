import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { chromium } from 'playwright-core'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { chromiumPath } from '../support/browser.ts'
import { type ShardProcess, startOracle, temporaryHome } from '../support/shard-process.ts'

/** A site that a user visits, in a real browser, while a daemon runs on the same machine. */
let site: Server
let siteUrl: string
let home: Awaited<ReturnType<typeof temporaryHome>>
let oracle: ShardProcess & { url: string }
let browser: Browser
let context: BrowserContext
let page: Page
/** The daemon's port under a name of the attacker's, which this browser resolves to this machine. */
let rebound: string

beforeAll(async () => {
  home = await temporaryHome()
  oracle = await startOracle(home.path, '--mesh-enabled', 'false', '--log-level', 'debug')
  site = createServer((request, response) => {
    response.setHeader('content-type', 'text/html')
    response.end(`<!doctype html><title>evil</title><body>${request.url}`)
  })
  await new Promise<void>((resolve) => site.listen(0, '127.0.0.1', resolve))
  siteUrl = `http://evil.example:${(site.address() as AddressInfo).port}`
  rebound = `http://rebound.example:${new URL(oracle.url).port}`
  browser = await chromium.launch({
    executablePath: chromiumPath(),
    headless: true,
    chromiumSandbox: false,
    args: [
      '--no-sandbox',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      // What is tested is this API's own defence: the browser's, where it has one, is switched off.
      '--disable-features=LocalNetworkAccessChecks,PrivateNetworkAccessSendPreflights,BlockInsecurePrivateNetworkRequests',
      '--host-resolver-rules=MAP evil.example 127.0.0.1,MAP rebound.example 127.0.0.1',
    ],
  })
  context = await browser.newContext()
})
afterAll(async () => {
  await browser?.close()
  site?.close()
  await oracle?.stop()
  await home?.[Symbol.asyncDispose]()
})
beforeEach(async () => {
  page = await context.newPage()
  await page.goto(siteUrl)
  oracle.log = ''
})

/** What the daemon answered since: so that a test knows its requests came, and were refused there. */
async function answered(): Promise<{ path: string; status: number; method: string }[]> {
  // One more request, of a program: what came before it has been logged when this one has.
  await fetch(`${oracle.url}/v1/models?last`)
  await expect.poll(() => oracle.log.includes('"path":"/v1/models"'), { timeout: 10_000 }).toBe(true)
  return oracle.log
    .split('\n')
    .filter((line) => line.includes('"msg":"answered"'))
    .map((line) => JSON.parse(line) as { path: string; status: number; method: string })
    .slice(0, -1)
}

const CHAT = '/v1/chat/completions'
const BODY = JSON.stringify({ messages: [{ role: 'user', content: 'hi' }], max_tokens: 2 })

describe('a page of another site', () => {
  it('reads nothing by fetch, in any mode, and nothing is generated for it', async () => {
    const seen = await page.evaluate(
      async ([api, chat, body]) => {
        const outcome = async (path: string, init: RequestInit) => {
          try {
            const response = await fetch(api + path, init)
            return `${response.type} ${response.status} ${(await response.text()).length}`
          } catch {
            return 'failed'
          }
        }
        const json = { 'Content-Type': 'application/json' }
        return {
          health: await outcome('/health', {}),
          withToken: await outcome('/health', { headers: { Authorization: 'Bearer x' } }),
          credentials: await outcome('/health', { credentials: 'include' }),
          post: await outcome(chat!, { method: 'POST', headers: json, body: body! }),
          simple: await outcome(chat!, { method: 'POST', body: body! }),
          // Not even an answer that no script may look into (Cross-Origin-Resource-Policy).
          opaque: await outcome('/health', { mode: 'no-cors' }),
          opaquePost: await outcome(chat!, { method: 'POST', mode: 'no-cors', body: body! }),
        }
      },
      [oracle.url, CHAT, BODY] as const,
    )
    expect(seen).toEqual({
      health: 'failed',
      withToken: 'failed',
      credentials: 'failed',
      post: 'failed',
      simple: 'failed',
      opaque: 'failed',
      opaquePost: 'failed',
    })
    const answers = await answered()
    expect(answers.length).toBeGreaterThanOrEqual(5)
    for (const { status, method, path } of answers) expect(status, `${method} ${path}`).toBe(403)
  })

  it('posts no form', async () => {
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data']) {
      await page.goto(siteUrl)
      const [response] = await Promise.all([
        page.waitForNavigation(),
        page.evaluate(
          ([action, enctype, body]) => {
            const form = document.createElement('form')
            Object.assign(form, { action, method: 'POST', enctype })
            const input = document.createElement('input')
            // Written so that text/plain makes JSON of it.
            input.name = `${body!.slice(0, -1)},"user":"`
            input.value = '"}'
            form.append(input)
            document.body.append(form)
            form.submit()
          },
          [oracle.url + CHAT, type, BODY] as const,
        ),
      ])
      expect(response?.status(), type).toBe(403)
    }
    const answers = await answered()
    expect(answers.map(({ status, method }) => `${method} ${status}`)).toEqual([
      'POST 403',
      'POST 403',
      'POST 403',
    ])
  })

  it('opens no WebSocket and no event stream, loads no script, image or style, frames nothing', async () => {
    const seen = await page.evaluate(async (api) => {
      const event = (target: EventTarget, good: string) =>
        new Promise<string>((resolve) => {
          target.addEventListener(good, () => resolve(good))
          target.addEventListener('error', () => resolve('error'))
        })
      const element = (tag: string, attributes: Record<string, string>) => {
        const one = Object.assign(document.createElement(tag), attributes)
        const outcome = event(one, 'load')
        document.body.append(one)
        return outcome
      }
      const frame = document.createElement('iframe')
      frame.src = `${api}/`
      const framed = new Promise<void>((resolve) => frame.addEventListener('load', () => resolve()))
      document.body.append(frame)
      await framed
      let inFrame: string
      try {
        inFrame = frame.contentWindow!.document.title
      } catch {
        inFrame = 'not to be seen'
      }
      return {
        socket: await event(new WebSocket(api.replace('http', 'ws')), 'open'),
        stream: await event(new EventSource(`${api}/health`), 'open'),
        script: await element('script', { src: `${api}/health` }),
        image: await element('img', { src: `${api}/health` }),
        style: await element('link', { rel: 'stylesheet', href: `${api}/health` }),
        beacon: navigator.sendBeacon(`${api}/v1/completions`, '{"prompt":"x"}'),
        inFrame,
      }
    }, oracle.url)
    expect(seen).toEqual({
      socket: 'error',
      stream: 'error',
      script: 'error',
      image: 'error',
      style: 'error',
      beacon: true,
      inFrame: 'not to be seen',
    })
    // A frame is a navigation: the chat page is sent, and its policy forbids to show it here.
    for (const { status, path, method } of await answered())
      expect(status, `${method} ${path}`).toBe(path === '/' && status === 200 ? 200 : 403)
    const [, frame] = page.frames()
    expect(frame?.url()).toMatch(/^chrome-error:/)
  })

  it('gets nothing by a name of its own that leads here', async () => {
    expect((await page.goto(`${rebound}/`))?.status()).toBe(421)
    // Its own server has sent the page, and then the name has moved here.
    await page.route(`${rebound}/`, (route) =>
      route.fulfill({ contentType: 'text/html', body: '<!doctype html><title>evil</title>' }),
    )
    await page.goto(`${rebound}/`)
    expect(await page.title()).toBe('evil')
    const seen = await page.evaluate(
      async ([chat, body]) => {
        const health = await fetch('/health')
        const post = await fetch(chat, {
          method: 'POST',
          headers: { 'Content-Type': 'application/json' },
          body,
        })
        const socket = new WebSocket(`ws://${location.host}/`)
        const opened = await new Promise((resolve) => {
          socket.onopen = () => resolve(true)
          socket.onerror = () => resolve(false)
        })
        return {
          health: [health.status, await health.text()],
          post: [post.status, await post.text()],
          opened,
        }
      },
      [CHAT, BODY] as const,
    )
    expect(seen.opened).toBe(false)
    for (const [status, text] of [seen.health, seen.post]) {
      expect(status).toBe(421)
      expect(JSON.parse(String(text))).toMatchObject({ error: { code: 'wrong_host' } })
      expect(text).not.toContain('pid')
    }
    for (const { status } of await answered()) expect(status).toBe(421)
  })

  it('may link to the chat page, which is nobody else’s to read', async () => {
    await page.evaluate((api) => {
      location.href = `${api}/`
    }, oracle.url)
    await page.waitForURL(`${oracle.url}/`)
    expect(await page.title()).not.toBe('evil')
    expect((await context.request.get(`${oracle.url}/health`)).status()).toBe(200)
  })
})
