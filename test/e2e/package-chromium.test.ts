import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ExtensionBrowser } from '../support/extension.ts'
import { type Installed, installed, processesOf } from '../support/package.ts'
import { ShardProcess } from '../support/shard-process.ts'

let shard: Installed
let browser: ExtensionBrowser | null = null

beforeAll(async () => {
  shard = await installed()
})
afterAll(async () => {
  await browser?.close()
  for (const pid of processesOf(shard.program.command)) process.kill(pid, 'SIGKILL')
  await shard[Symbol.asyncDispose]()
})

async function run(...args: string[]): Promise<{ code: number; log: string }> {
  const one = new ShardProcess(args, shard.env, shard.program)
  const [code] = (await once(one.child, 'close')) as [number]
  return { code, log: one.log }
}

/** Files of ours below the empty home: not what the browser keeps there for itself. */
const files = () =>
  readdirSync(shard.home, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(shard.home.length + 1))
    .filter((file) => /shard/i.test(file))

describe('the single executable with Chromium', () => {
  it('is installed into an empty home, started and used by the extension, and taken away again', async () => {
    const config = join(shard.home, '.config', 'shard')
    await mkdir(config, { recursive: true })
    const free = { 'api.port': 0, 'mesh.tcp_port': 0, 'mesh.ws_port': 0, 'mesh.webrtc_port': 0 }
    await writeFile(join(config, 'settings.json'), JSON.stringify(free))
    const profile = join(shard.home, 'profile')
    const install = await run('install', '--user-data-dir', profile)
    expect(install.code, install.log).toBe(0)
    expect(files()).toContain('profile/NativeMessagingHosts/dev.shard.host.json')

    const { PATH: _, ...env } = shard.env
    browser = await ExtensionBrowser.launch(profile, { env })
    await browser.set({ introduced: true, scoutMode: true, onlyOnPower: false })
    const { host } = await browser.until(
      ({ host }) => host?.api != null,
      'the daemon is started and attached',
    )
    expect(host!.daemon).toMatchObject({ state: 'running', engine: { state: 'ready', kind: 'native' } })
    await browser.offscreenGone()
    expect(processesOf(shard.program.command).length).toBeGreaterThanOrEqual(2)

    const chat = await browser.open('chat.html')
    await chat.getByRole('textbox', { name: 'Message' }).fill('Tell me a story about a fox.')
    await chat.keyboard.press('Enter')
    await chat.locator('.answer[data-state=done]').waitFor({ timeout: 60_000 })
    expect((await chat.locator('.answer .text').last().textContent())!.length).toBeGreaterThan(100)
    expect(browser.complaints).toEqual([])

    const uninstall = await run('uninstall', '--purge', '--yes')
    expect(uninstall.code, uninstall.log).toBe(0)
    await browser.until(({ scout }) => scout?.phase === 'searching', 'drafting again, for nobody yet')
    await browser.close()
    browser = null
    expect(processesOf(shard.program.command)).toEqual([])
    expect(files()).toEqual([])
  })
})
