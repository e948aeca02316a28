import { once } from 'node:events'
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { mkdtemp } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { complete } from '../support/chat-api.ts'
import { ExtensionBrowser } from '../support/extension.ts'
import { LocalHost } from '../support/local-host.ts'
import { joinLinkOf, type Oracle, PACED, scoutAt } from '../support/paced-oracle.ts'
import { startOracle, temporaryHome } from '../support/shard-process.ts'

let home: Awaited<ReturnType<typeof temporaryHome>>
let browser: ExtensionBrowser
let host: LocalHost
/** Another computer's Oracle, so to speak: the one that this browser drafts for. */
let far: Oracle
let peerId: string

const folder = (name: string) => mkdtemp(join(home.path, name))

beforeAll(async () => {
  home = await temporaryHome()
  const profile = await folder('profile-')
  host = await LocalHost.install(join(home.path, 'host'), profile)
  // Somebody has stopped the local Oracle in this session: it is theirs to start again.
  browser = await ExtensionBrowser.launch(profile)
  await browser.probe.evaluate(() => chrome.storage.session.set({ hostHasRun: true }))
  far = await startOracle(await folder('far-'), ...PACED)
  const { oracles, invite } = await joinLinkOf(far)
  const addresses = oracles.filter((address) => address.includes('/ws/'))
  await browser.set({
    introduced: true,
    scoutMode: true,
    onlyOnPower: false,
    oracles: [{ addresses, invite }],
  })
  peerId = await drafting()
})
afterAll(async () => {
  await browser?.close()
  await far?.stop()
  await host?.stop().catch(() => {}) // where a test left it stopped
  await home[Symbol.asyncDispose]()
})

/** This browser stands in the far Oracle's pool. */
async function drafting(): Promise<string> {
  const { scout } = await browser.until(
    ({ scout }) => scout?.phase === 'ready' || scout?.phase === 'drafting',
    'drafting for the far Oracle',
  )
  return scout!.scout!.peerId
}

/** The local Oracle is used; the device is destroyed, and the document with the drafter and its worker is closed. */
async function resting(): Promise<void> {
  await browser.until(({ host }) => host?.api != null && host.daemon?.state === 'running', 'attached')
  await browser.until(
    ({ scout }) => scout?.phase === 'off' && scout.engine === null && scout.scout === null,
    'the device is destroyed',
  )
  await browser.offscreenGone()
}

/** A long answer of the far Oracle that this browser is drafting. */
async function midDraft() {
  const question = { maxTokens: 96, temperature: 0.8, seed: 7 }
  const answer = complete(far.url, question)
  answer.catch(() => {}) // looked at by the test
  await browser.until(({ scout }) => scout?.phase === 'drafting' && scout.scout!.assignments > 0, 'drafting')
  const alone = async () => (await complete(far.url, { ...question, scope: 'none' })).text
  return { answer, alone }
}

const ended = async (oracle: Oracle) => {
  if (oracle.running) await once(oracle.child, 'exit')
}

const bridges = () => processes((command) => command.includes('bridge.js'))
/** The daemons of this test's host. */
const daemons = () =>
  processes((command, environment) => command.includes('serve') && environment.includes(host.home))

function processes(which: (command: string, environment: string) => boolean): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        const read = (file: string) => readFileSync(`/proc/${pid}/${file}`, 'utf8')
        return which(read('cmdline'), read('environ')) ? [Number(pid)] : []
      } catch {
        return [] // it has just ended, or is another user's
      }
    })
}

const openFiles = (pid: number) =>
  readdirSync(`/proc/${pid}/fd`).filter((fd) => {
    try {
      return readlinkSync(`/proc/${pid}/fd/${fd}`) !== ''
    } catch {
      return false
    }
  }).length

describe('a local Oracle beside the extension', () => {
  it('takes over in mid-draft: the device goes, prompts go to it, and the far answer is the same', async () => {
    const popup = await browser.open('popup.html', { width: 360, height: 600 })
    const { answer, alone } = await midDraft()
    const local = await host.start()
    await resting()
    expect(await scoutAt(far, peerId)).toBeUndefined()
    expect((await answer).text).toBe(await alone())

    await popup.getByText('Local Oracle', { exact: true }).waitFor()
    await browser.screenshot(popup, 'extension-popup-local')
    await popup.close()
    const chat = await browser.open('chat.html')
    await chat.getByRole('textbox', { name: 'Message' }).fill('Tell me a story about a hen.')
    const asked = chat.waitForRequest(/\/v1\/chat\/completions/)
    await chat.keyboard.press('Enter')
    expect((await asked).url().startsWith(local.url)).toBe(true)
    await chat.locator('.answer[data-state=done]').waitFor()
    await chat.close()
    expect(browser.complaints).toEqual([])
    await host.stop()
    expect(await drafting()).toBe(peerId)
  })

  it('gives the drafting back in each way that it can go, in the midst of its own answer', async () => {
    const ways: Record<string, (local: Oracle) => Promise<void>> = {
      'shard stop': () => host.stop(),
      'the daemon is killed': (local) => local.stop('SIGKILL'),
      'the port is closed for good': async (local) => {
        await host.run('uninstall')
        for (const pid of bridges()) process.kill(pid, 'SIGKILL')
        await drafting()
        await local.stop()
        await host.register()
        await browser.look()
      },
    }
    for (const [way, end] of Object.entries(ways)) {
      const local = await host.start()
      await resting()
      const writing = complete(local.url, { maxTokens: 400, seed: 3 }).catch((error: Error) => error)
      await end(local)
      expect(await drafting(), way).toBe(peerId)
      await writing
      const { answer, alone } = await midDraft()
      const helped = await answer
      expect(helped.accepted, way).toBeGreaterThan(0)
      expect(helped.text, way).toBe(await alone())
      expect((await browser.state()).host?.api, way).toBeNull()
    }
  })

  it('is found again when only its bridge died', async () => {
    const local = await host.start()
    await resting()
    const [bridge] = bridges()
    process.kill(bridge!, 'SIGKILL')
    await browser.until(({ host }) => host?.api === null, 'the port is closed')
    await resting()
    expect(bridges()).not.toContain(bridge)
    expect(local.running).toBe(true)
    await host.stop()
    await drafting()
  })

  it('is not lost when the browser stops the service worker: an alarm wakes it', async () => {
    const local = await host.start()
    await resting()
    const before = bridges()
    await browser.stopServiceWorkers()
    await expect.poll(bridges).toEqual([])
    // Nobody hears that it is stopped.
    await host.stop()
    await ended(local)
    expect(await drafting()).toBe(peerId)
    expect(bridges()).toHaveLength(1)
    expect(bridges()).not.toEqual(before)
    // Whoever stopped it is not overruled.
    expect(daemons()).toEqual([])
  })

  it('goes back and forth ten times, and nothing is left over', async () => {
    const counts: object[] = []
    for (let i = 0; i < 10; i++) {
      const { answer } = await midDraft()
      const local = await host.start()
      await resting()
      await answer
      counts.push({
        bridges: bridges().length,
        pages: browser.context.pages().length,
        files: openFiles(bridges()[0]!),
      })
      await host.stop()
      await ended(local)
      await drafting()
      expect(daemons()).toEqual([])
    }
    for (const count of counts) expect(count).toEqual(counts[0])
    expect(await browser.offscreens()).toBe(1)
  })

  it('leaves both running where the user has two GPUs and says so', async () => {
    await browser.set({ beside: 'draft' })
    const local = await host.start()
    await browser.until(({ host }) => host?.api != null, 'attached')
    const { answer } = await midDraft()
    expect((await answer).accepted).toBeGreaterThan(0)
    // The local one takes this browser for its owner's own, and its help.
    await browser.until(({ scout }) => scout?.scout?.oracles.length === 2, 'in both pools')
    expect((await scoutAt(local, peerId))?.own).toBe(true)
    const helped = await complete(local.url, { maxTokens: 48, seed: 4 })
    expect([...helped.drafters]).toEqual([peerId])
    expect((await browser.state()).scout?.engine?.kind).toBe('wgsl')
    await browser.set({ beside: 'rest' })
    await resting()
    await host.stop()
    await drafting()
    await ended(local)
  })

  it('is started by Scout Mode itself where nobody has stopped it', async () => {
    expect(daemons()).toEqual([])
    await browser.set({ scoutMode: false })
    await browser.until(({ scout }) => scout?.phase === 'off', 'off')
    await browser.probe.evaluate(() => chrome.storage.session.clear())
    await browser.set({ scoutMode: true })
    await browser.until(({ host }) => host?.api != null, 'started and attached')
    expect(daemons()).toHaveLength(1)
    await browser.offscreenGone()
    await host.stop()
    await drafting()
    // It was stopped: it stays so, whatever makes the extension look again.
    await browser.look()
    await drafting()
    expect(daemons()).toEqual([])
  })
})
