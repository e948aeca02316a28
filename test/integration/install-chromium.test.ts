import { generateKeyPairSync } from 'node:crypto'
import { join } from 'node:path'
import type { BrowserContext, Page } from 'playwright-core'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  type FromBridge,
  fromBridgeSchema,
  NATIVE_HOST,
  type ToBridge,
} from '../../shared/bridge/messages.ts'
import { chromiumExtensionId } from '../../shared/extension/identity.ts'
import { BridgeProcess } from '../support/bridge-process.ts'
import { ShardProcess, temporaryHome } from '../support/shard-process.ts'
import { extensionPage, launchWithExtension, writeTinyExtension } from '../support/tiny-extension.ts'

let home: Awaited<ReturnType<typeof temporaryHome>>
let browser: BrowserContext | null = null
const at = (name: string) => join(home.path, name)

beforeEach(async () => {
  home = await temporaryHome()
})
afterEach(async () => {
  await browser?.close()
  browser = null
  await shard('stop')
  await home[Symbol.asyncDispose]()
})

async function shard(...args: string[]): Promise<{ code: number | null; log: string }> {
  const verb = new ShardProcess(args, { SHARD_HOME: at('data') })
  await new Promise((resolve) => verb.child.once('close', resolve))
  return { code: verb.child.exitCode, log: verb.log }
}

/** In an extension's page: one native port, and what it brings. */
async function openPort(page: Page): Promise<void> {
  await page.evaluate((host) => {
    const global = globalThis as unknown as {
      port: chrome.runtime.Port
      news: unknown[]
      gone: string | null
    }
    global.news = []
    global.gone = null
    global.port = chrome.runtime.connectNative(host)
    global.port.onMessage.addListener((message) => global.news.push(message))
    global.port.onDisconnect.addListener(() => {
      global.gone = chrome.runtime.lastError?.message ?? 'closed'
    })
  }, NATIVE_HOST)
}

const say = (page: Page, message: ToBridge) =>
  page.evaluate(
    (one) => (globalThis as unknown as { port: chrome.runtime.Port }).port.postMessage(one),
    message,
  )

/** The next message of a type; the ones before it are dropped. */
async function hear<T extends FromBridge['type']>(
  page: Page,
  type: T,
): Promise<Extract<FromBridge, { type: T }>> {
  const handle = await page.waitForFunction(
    (wanted) => {
      const { news } = globalThis as unknown as { news: { type: string }[] }
      const at = news.findIndex((message) => message.type === wanted || message.type === 'error')
      return at < 0 ? null : news.splice(0, at + 1).at(-1)
    },
    type,
    { timeout: 60_000 },
  )
  const message = fromBridgeSchema.parse(await handle.jsonValue())
  if (message.type !== type) throw new Error(`expected ${type}, and ${JSON.stringify(message)} came`)
  return message as Extract<FromBridge, { type: T }>
}

describe('Chromium with an installed host', () => {
  it('says hello, attaches, uses the API with the token, and leaves the daemon behind', async () => {
    const ports = ['0', '0', '0', '0']
    const names = ['api.port', 'mesh.tcp_port', 'mesh.ws_port', 'mesh.webrtc_port']
    const { mkdir, writeFile } = await import('node:fs/promises')
    await mkdir(at('data'))
    await writeFile(
      at('data/settings.json'),
      JSON.stringify(Object.fromEntries(names.map((name, i) => [name, Number(ports[i])]))),
    )
    expect((await shard('install', '--user-data-dir', at('profile'))).code).toBe(0)
    await writeTinyExtension(at('extension'))
    browser = await launchWithExtension(at('profile'), at('extension'))
    const page = await extensionPage(browser)
    await openPort(page)
    await say(page, { type: 'hello', version: '0' })
    expect((await hear(page, 'hello')).daemon).toMatchObject({
      state: 'stopped',
      startable: true,
      cause: 'never',
    })
    await say(page, { type: 'attach', start: true })
    const { url, token, daemon } = await hear(page, 'attached')
    if (daemon.state !== 'running') throw new Error(daemon.state)

    // No CORS header is sent, and none is needed: the extension has permission for the host.
    const seen = await page.evaluate(
      async ([api, bearer]) => {
        const headers = { Authorization: `Bearer ${bearer}` }
        const health = await fetch(`${api}/health`, { headers })
        const bare = await fetch(`${api}/health`)
        const wrong = await fetch(`${api}/health`, { headers: { Authorization: 'Bearer x' } })
        const chat = await fetch(`${api}/v1/chat/completions`, {
          method: 'POST',
          headers: { ...headers, 'Content-Type': 'application/json' },
          body: JSON.stringify({
            messages: [{ role: 'user', content: 'A fox.' }],
            max_tokens: 20,
            stream: true,
          }),
        })
        const reader = chat.body!.getReader()
        const decoder = new TextDecoder()
        let text = ''
        for (let part = await reader.read(); !part.done; part = await reader.read())
          text += decoder.decode(part.value, { stream: true })
        const image = new Image()
        const loaded = await new Promise((resolve) => {
          image.onload = () => resolve(true)
          image.onerror = () => resolve(false)
          image.src = `${api}/health`
        })
        return {
          health: ((await health.json()) as { pid: number }).pid,
          bare: [bare.status, ((await bare.json()) as { error: { code: string } }).error.code],
          wrong: wrong.status,
          chat: chat.status,
          cors: [...chat.headers.keys(), ...health.headers.keys()].filter((name) =>
            name.startsWith('access-control'),
          ),
          events: text.match(/^data: /gm)!.length,
          done: text.trimEnd().endsWith('data: [DONE]'),
          loaded,
        }
      },
      [url, token] as const,
    )
    expect(seen).toEqual({
      health: daemon.pid,
      bare: [401, 'invalid_token'],
      wrong: 401,
      chat: 200,
      cors: [],
      events: expect.any(Number),
      done: true,
      loaded: false,
    })
    expect(seen.events).toBeGreaterThan(2)

    const other = new BridgeProcess(at('data'))
    await other.hello()
    await browser.close()
    browser = null
    expect((await other.hello()).daemon).toMatchObject({ state: 'running', pid: daemon.pid })
    expect((await shard('stop')).code).toBe(0)
    await other.status(({ state }) => state === 'stopped')
    expect(await other.end()).toBe(0)
  })

  it('hears of a daemon that comes and goes', async () => {
    expect((await shard('install', '--user-data-dir', at('profile'))).code).toBe(0)
    await writeTinyExtension(at('extension'))
    browser = await launchWithExtension(at('profile'), at('extension'))
    const page = await extensionPage(browser)
    await openPort(page)
    await say(page, { type: 'hello', version: '0' })
    await hear(page, 'hello')
    const daemon = new ShardProcess(['serve', '--port', '0', '--mesh-enabled', 'false'], {
      SHARD_HOME: at('data'),
    })
    let status = await hear(page, 'status')
    while (status.daemon.state !== 'running') status = await hear(page, 'status')
    expect(status.daemon.pid).toBe(daemon.child.pid)
    await daemon.stop('SIGKILL')
    status = await hear(page, 'status')
    while (status.daemon.state !== 'stopped') status = await hear(page, 'status')
    expect(status.daemon.cause).toBe('lost')
  })

  it('gives nothing to another extension, nor to any after uninstall', async () => {
    expect((await shard('install', '--user-data-dir', at('profile'))).code).toBe(0)
    const key = generateKeyPairSync('rsa', { modulusLength: 2048 })
      .publicKey.export({ type: 'spki', format: 'der' })
      .toString('base64')
    await writeTinyExtension(at('stranger'), { key })
    browser = await launchWithExtension(at('profile'), at('stranger'))
    const gone = async (page: Page) => {
      await openPort(page)
      const handle = await page.waitForFunction(() => (globalThis as unknown as { gone: string | null }).gone)
      return handle.jsonValue()
    }
    const stranger = await extensionPage(browser, await chromiumExtensionId(key))
    expect(await gone(stranger)).toContain('forbidden')
    await browser.close()
    expect((await shard('uninstall')).code).toBe(0)
    await writeTinyExtension(at('extension'))
    browser = await launchWithExtension(at('profile'), at('extension'))
    expect(await gone(await extensionPage(browser))).toContain('not found')
  })
})
