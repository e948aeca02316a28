import { mkdtemp } from 'node:fs/promises'
import { networkInterfaces } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { complete } from '../support/chat-api.ts'
import { FirefoxBrowser, firefoxPath } from '../support/firefox.ts'
import { type ShardProcess, startOracle, temporaryHome } from '../support/shard-process.ts'

type Oracle = ShardProcess & { url: string }

const executable = firefoxPath()
let home: Awaited<ReturnType<typeof temporaryHome>>
let browser: FirefoxBrowser
let peerId: string
let oracle: Oracle
let oracleId: string
const started: Oracle[] = []

/** Firefox tries no WebRTC over loopback. */
const outside = Object.values(networkInterfaces())
  .flatMap((all) => all ?? [])
  .find(({ family, internal }) => family === 'IPv4' && !internal)?.address

const WAYS = [
  ['webrtc-direct', outside],
  ['websocket', '127.0.0.1'],
] as const

const folder = (name: string) => mkdtemp(join(home.path, name))

/** An Oracle that takes every draft, slow enough for a browser to be of help. */
async function start(host: string): Promise<void> {
  const flags = ['--pace', '60', '--scheduler-force-drafts', '--mesh-paired', peerId, '--mesh-host', host]
  oracle = await startOracle(await folder('oracle-'), ...flags)
  started.push(oracle)
}

async function addresses(transport: string): Promise<string[]> {
  const topology = await (await fetch(`${oracle.url}/v1/system/topology`)).json()
  const all = topology.addresses as { transport: string; multiaddr: string }[]
  return all.flatMap((address) => (address.transport === transport ? [address.multiaddr] : []))
}

async function transportsOfScout(): Promise<readonly string[] | undefined> {
  const { peers } = await (await fetch(`${oracle.url}/v1/system/peers`)).json()
  const all = peers as { peer_id: string; class: string; transports: string[] }[]
  return all.find((peer) => peer.peer_id === peerId && peer.class === 'scout')?.transports
}

const alarms = () => browser.probe.evaluate(() => chrome.alarms.getAll())

/** Texts with the browser and of the Oracle alone: the same, and a part of the first was drafted here. */
async function compare(): Promise<void> {
  let accepted = 0
  for (const temperature of [0, 0.8]) {
    for (const seed of [1, 2]) {
      const question = { temperature, seed, maxTokens: 48, prompt: `There were once ${seed} brothers who` }
      const alone = await complete(oracle.url, { ...question, scope: 'none' })
      const helped = await complete(oracle.url, question)
      expect(alone.drafters.size).toBe(0)
      expect(helped.text).toBe(alone.text)
      for (const drafter of helped.drafters) expect(drafter).toBe(peerId)
      accepted += helped.accepted
    }
  }
  expect(accepted).toBeGreaterThan(0)
}

/** Where there is no Firefox, `npm test` says so, and these count as skipped. */
describe.skipIf(executable === null)('a Scout in Firefox', () => {
  beforeAll(async () => {
    home = await temporaryHome()
    browser = await FirefoxBrowser.launch(executable!, await folder('profile-'))
  })
  afterAll(async () => {
    await browser?.close()
    for (const each of started) await each.stop()
    await home?.[Symbol.asyncDispose]()
  })

  const inPool = () =>
    browser.until((state, id) => state.scout?.scout?.oracles.includes(id) === true, 'in the pool', {
      given: oracleId,
    })

  it('is a build that Firefox takes without a warning', async () => {
    expect(await browser.manifestWarnings()).toEqual([])
    expect(await browser.backgroundState()).toBe('running')
  })

  it('has a popup that answers: Scout Mode is turned on by mouse, and it says which engine drafts and why', async () => {
    const popup = await browser.open('popup.html')
    await popup.untilText('Step 1 of 3')
    await popup.click('button', 'Next')
    await popup.untilText('Step 2 of 3')
    await popup.click('button', 'Later')
    await popup.untilText('Step 3 of 3')
    await popup.click('button', 'Turn on Scout Mode')
    const { scout } = await browser.until(
      (state) => state.scout?.phase === 'searching',
      'the model is loaded',
    )
    peerId = scout!.scout!.peerId
    const text = await popup.untilText('No Oracle yet')
    if (scout!.engine!.kind === 'reference') {
      expect(text).toContain('CPU: the slow reference engine')
      expect(scout!.engine!.why).toMatch(/WebGPU/)
    } else expect(text).toContain('WebGPU, ')
    expect(text).toContain(scout!.engine!.why)
    await popup.screenshot('firefox-popup')
    await popup.click('switch', 'Scout Mode')
    await browser.until((state) => state.scout?.phase === 'off', 'turned off')
    await popup.untilText('Nothing is loaded, and nothing runs.')
    await expect.poll(alarms, { timeout: 30_000 }).toEqual([])
    await popup.click('switch', 'Scout Mode')
    await browser.until((state) => state.scout?.phase === 'searching', 'turned on again')
    await popup.close()
  })

  for (const [transport, host] of WAYS) {
    it.skipIf(host === undefined)(
      `drafts over ${transport}: tokens are accepted, and the text is the Oracle’s alone`,
      async () => {
        await start(host!)
        const listed = await addresses(transport)
        oracleId = listed[0]!.replace(/.*\/p2p\//, '')
        await browser.set({ oracles: [{ addresses: listed, invite: null }] })
        await inPool()
        await expect.poll(transportsOfScout).toEqual([transport])
        await compare()
      },
    )
  }

  it('keeps its background awake, and has it back when it was ended in mid-draft', async () => {
    const [alarm] = await alarms()
    expect(alarm?.periodInMinutes).toBeLessThan((await browser.idleTimeoutMs()) / 60_000)
    const question = { maxTokens: 200, temperature: 0.8, seed: 9 }
    const endInMidDraft = async () => {
      await browser.until((state) => state.scout?.phase === 'drafting', 'drafting')
      await browser.endBackground()
      await browser.forget()
    }
    const [{ text }] = await Promise.all([complete(oracle.url, question), endInMidDraft()])
    expect(text).toBe((await complete(oracle.url, { ...question, scope: 'none' })).text)
    // The alarm starts it again: another node, under the same peer id.
    const { scout } = await inPool()
    expect(scout!.scout!.peerId).toBe(peerId)
    await compare()
  })

  it('chats over the mesh, with Scout Mode off too: the background is awake for as long as the page is there', async () => {
    for (const scoutMode of [true, false]) {
      await browser.set({ scoutMode })
      const chat = await browser.open('chat.html')
      await chat.untilText('', '.node[data-state=good]')
      await chat.click('textbox', 'Message')
      await chat.enter('Tell me a story about a fox.')
      if (scoutMode) await chat.untilText('', '.answer .text .drafted')
      await chat.untilText(' ', '.answer[data-state=writing] .text')
      expect(await alarms()).toHaveLength(1)
      await chat.click('button', 'Stop')
      await chat.untilText('', '.answer[data-state=stopped]')
      await chat.screenshot('firefox-chat')
      await chat.close()
    }
    await expect.poll(alarms, { timeout: 30_000 }).toEqual([])
  })

  it('logs no error, on no page', async () => {
    const settings = await browser.open('options.html')
    await settings.untilText('GPU share')
    await settings.screenshot('firefox-settings')
    expect(await browser.complaints()).toEqual([])
  })
})
