import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type FromBridge, fromBridgeSchema, NATIVE_HOST } from '../../shared/bridge/messages.ts'
import { FIREFOX_ADDON_ID } from '../../shared/extension/identity.ts'
import { Bidi } from '../support/bidi.ts'
import { firefoxPath } from '../support/firefox.ts'
import { ShardProcess, temporaryHome } from '../support/shard-process.ts'

const firefox = firefoxPath()

/** Says hello and attaches, asks the API with the token and without, and reports all of it to the test. */
const BACKGROUND = (host: string, report: string) => `
const tell = (what, value) => fetch(${JSON.stringify(report)} + what, { method: 'POST', body: JSON.stringify(value) })
const port = browser.runtime.connectNative(${JSON.stringify(host)})
port.onDisconnect.addListener((gone) => tell('/gone', String(gone.error && gone.error.message)))
port.onMessage.addListener(async (message) => {
  await tell('/message', message)
  if (message.type === 'hello') port.postMessage({ type: 'attach', start: true })
  if (message.type !== 'attached') return
  const status = async (path, init) => fetch(message.url + path, init).then(
    (response) => response.status,
    (error) => String(error),
  )
  const headers = { Authorization: 'Bearer ' + message.token, 'Content-Type': 'application/json' }
  const body = JSON.stringify({ prompt: 'A fox', max_tokens: 3 })
  await tell('/api', {
    health: await status('/health', { headers }),
    post: await status('/v1/completions', { method: 'POST', headers, body }),
    bare: await status('/health'),
    barePost: await status('/v1/completions', { method: 'POST', body }),
  })
})
port.postMessage({ type: 'hello', version: '0' })
`

describe.skipIf(firefox === null)('Firefox with an installed host', () => {
  let home: Awaited<ReturnType<typeof temporaryHome>>
  let reports: Server
  let browser: ChildProcess | null = null
  const heard: { what: string; value: unknown }[] = []
  const at = (name: string) => join(home.path, name)
  const env = () => ({ HOME: home.path, SHARD_HOME: at('data'), XDG_CONFIG_HOME: '' })

  beforeAll(async () => {
    home = await temporaryHome()
    reports = createServer(async (request, response) => {
      let text = ''
      for await (const part of request) text += part
      heard.push({ what: request.url!, value: JSON.parse(text) })
      response.setHeader('access-control-allow-origin', '*')
      response.end()
      reports.emit('heard')
    })
    await new Promise<void>((resolve) => reports.listen(0, '127.0.0.1', resolve))
  })
  afterAll(async () => {
    await closeBrowser()
    reports.close()
    await shard('stop')
    await home[Symbol.asyncDispose]()
  })

  async function closeBrowser(): Promise<void> {
    if (!browser || browser.exitCode !== null || browser.signalCode !== null) return
    const ended = once(browser, 'exit')
    browser.kill('SIGKILL')
    await ended
  }

  async function shard(...args: string[]): Promise<number | null> {
    const verb = new ShardProcess(args, env())
    await new Promise((resolve) => verb.child.once('close', resolve))
    return verb.child.exitCode
  }

  async function report(what: string): Promise<unknown> {
    for (;;) {
      const at = heard.findIndex((one) => one.what === what)
      if (at >= 0) return heard.splice(at, 1)[0]!.value
      await once(reports, 'heard', { signal: AbortSignal.timeout(60_000) })
    }
  }

  it('says hello, attaches and uses the API with the token, and gets nothing without it', async () => {
    await mkdir(at('data'))
    const settings = { 'api.port': 0, 'mesh.enabled': false }
    await writeFile(at('data/settings.json'), JSON.stringify(settings))
    // As after its first run.
    await mkdir(at('.mozilla'))
    expect(await shard('install', '--browser', 'firefox')).toBe(0)
    expect(existsSync(at('.mozilla/native-messaging-hosts/dev.shard.host.json'))).toBe(true)

    await mkdir(at('extension'))
    const manifest = {
      manifest_version: 3,
      name: 'tiny',
      version: '1',
      browser_specific_settings: { gecko: { id: FIREFOX_ADDON_ID } },
      permissions: ['nativeMessaging'],
      host_permissions: ['http://127.0.0.1/*'],
      content_security_policy: { extension_pages: "script-src 'self'" },
      background: { scripts: ['background.js'] },
    }
    const { port } = reports.address() as AddressInfo
    await writeFile(at('extension/manifest.json'), JSON.stringify(manifest))
    await writeFile(at('extension/background.js'), BACKGROUND(NATIVE_HOST, `http://127.0.0.1:${port}`))
    await mkdir(at('profile'))
    browser = spawn(
      firefox!,
      ['--headless', '--no-remote', '--profile', at('profile'), '--remote-debugging-port=0'],
      {
        stdio: ['ignore', 'ignore', 'pipe'],
        env: { ...process.env, ...env() },
      },
    )
    const bidi = await Bidi.open(await address(browser))
    await bidi.send('webExtension.install', { extensionData: { type: 'path', path: at('extension') } })

    const next = async <T extends FromBridge['type']>(type: T) => {
      for (;;) {
        const message = fromBridgeSchema.parse(await report('/message'))
        if (message.type === type) return message as Extract<FromBridge, { type: T }>
        if (message.type === 'error') throw new Error(message.message)
      }
    }
    expect((await next('hello')).daemon).toMatchObject({ state: 'stopped', startable: true })
    const { daemon, url } = await next('attached')
    expect(await report('/api')).toEqual({ health: 200, post: 200, bare: 401, barePost: 401 })
    if (daemon.state !== 'running') throw new Error(daemon.state)

    // Our own page is no extension: what it asks for without a token is answered.
    const { context } = await bidi.send<{ context: string }>('browsingContext.create', { type: 'tab' })
    await bidi.send('browsingContext.navigate', { context, url: `${url}/`, wait: 'complete' })
    expect(
      await bidi.evaluate(context, async () => ({
        health: (await fetch('/health')).status,
        post: (await fetch('/v1/completions', { method: 'POST', body: '{}' })).status,
        // Built: scripts and styles came.
        shown: document.querySelector('#root, main, body > div')?.textContent !== '',
        sheets: [...document.styleSheets].filter((sheet) => sheet.cssRules.length > 0).length > 0,
      })),
    ).toEqual({ health: 200, post: 415, shown: true, sheets: true })
    await closeBrowser()
    // It is not the browser's child.
    expect(() => process.kill(daemon.pid, 0)).not.toThrow()
    expect(await shard('stop')).toBe(0)
  })
})

/** Where Firefox says that it can be driven. */
async function address(child: ChildProcess): Promise<string> {
  let text = ''
  child.stderr!.setEncoding('utf8')
  for await (const part of child.stderr!) {
    text += part
    const [, url] = /WebDriver BiDi listening on (ws:\S+)/.exec(text) ?? []
    if (!url) continue
    child.stderr!.resume()
    return url
  }
  throw new Error(`Firefox ended: ${text}`)
}
