import { mkdtemp } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { complete } from '../support/chat-api.ts'
import { ExtensionBrowser } from '../support/extension.ts'
import { addressesOf, type Oracle, PACED, scoutAt } from '../support/paced-oracle.ts'
import { startOracle, temporaryHome } from '../support/shard-process.ts'

let home: Awaited<ReturnType<typeof temporaryHome>>
let browser: ExtensionBrowser
let oracle: Oracle
let peerId: string

const folder = (name: string) => mkdtemp(join(home.path, name))

/** An Oracle that takes every draft, slow enough for a browser to be of help. */
const startPacedOracle = async (...flags: string[]) =>
  startOracle(await folder('oracle-'), ...PACED, '--mesh-paired', peerId, ...flags)

/** The browser's peer id is made on first use: drafting for nobody makes it. */
async function ownPeerId(of: ExtensionBrowser): Promise<string> {
  await of.set({ scoutMode: true, onlyOnPower: false })
  const { scout } = await of.until((state) => state.scout?.phase === 'searching', 'the draft model is loaded')
  return scout!.scout!.peerId
}

/** Texts of the Oracle alone, then with the browser: how much of it was drafted there, and whether a token moved. */
async function compare(of: Oracle) {
  let accepted = 0
  let rejected = 0
  for (const temperature of [0, 0.8]) {
    for (const seed of [1, 2, 3]) {
      const question = {
        temperature,
        seed,
        maxTokens: 48,
        prompt: `Once upon a time there were ${seed} brothers who`,
      }
      const alone = await complete(of.url, { ...question, scope: 'none' })
      const helped = await complete(of.url, question)
      expect(alone.drafters.size).toBe(0)
      expect(helped.text).toBe(alone.text)
      for (const drafter of helped.drafters) expect(drafter).toBe(peerId)
      accepted += helped.accepted
      rejected += helped.rejected
    }
  }
  expect(accepted).toBeGreaterThan(0)
  expect(rejected).toBeGreaterThan(0)
}

beforeAll(async () => {
  home = await temporaryHome()
  browser = await ExtensionBrowser.launch(await folder('profile-'))
  peerId = await ownPeerId(browser)
  oracle = await startPacedOracle()
  await browser.set({ oracles: [{ addresses: await addressesOf(oracle, 'webrtc-direct'), invite: null }] })
  await ready()
})
afterAll(async () => {
  await browser?.close()
  await oracle?.stop()
  await home[Symbol.asyncDispose]()
})

const ready = () =>
  browser.until((state) => state.scout?.phase === 'ready' || state.scout?.phase === 'drafting', 'in the pool')

describe('a Scout in Chromium', () => {
  it('drafts over WebRTC-direct: tokens are accepted and rejected, and the text is the Oracle’s alone', async () => {
    expect((await scoutAt(oracle, peerId))?.transports).toEqual(['webrtc-direct'])
    await compare(oracle)
    const { scout } = await browser.until(
      (state) => (state.scout?.scout?.accepted ?? 0) > 0,
      'told of acceptance',
    )
    expect(scout!.scout!.drafted).toBeGreaterThanOrEqual(scout!.scout!.tested)
    expect(scout!.engine?.kind).toBe('wgsl')
  })

  it('goes on drafting while its service worker is stopped', async () => {
    const running = complete(oracle.url, { maxTokens: 200, temperature: 0.8, seed: 9 })
    await browser.until((state) => state.scout?.phase === 'drafting', 'drafting')
    await browser.stopServiceWorkers()
    // Also where nothing runs any more, as after half a minute without an event.
    await browser.stopServiceWorkers()
    const before = (await browser.state()).scout!.scout!.drafted
    await browser.until((state, mark) => state.scout!.scout!.drafted > mark + 10, 'more is drafted', {
      given: before,
    })
    const { text, accepted } = await running
    expect(accepted).toBeGreaterThan(0)
    expect(text).toBe(
      (await complete(oracle.url, { maxTokens: 200, temperature: 0.8, seed: 9, scope: 'none' })).text,
    )
    // And it finds its way back: a page wakes the worker, which changes nothing about the work.
    await browser.look()
    await ready()
    await compare(oracle)
  })

  it('loads again when the graphics device is lost, and goes on drafting', async () => {
    const question = { maxTokens: 160, temperature: 0.8, seed: 11 }
    const running = complete(oracle.url, question)
    await browser.until((state) => state.scout?.phase === 'drafting', 'drafting')
    browser.killGraphics()
    await browser.until((state) => state.scout?.phase === 'loading', 'loading again')
    await ready()
    expect((await running).text).toBe((await complete(oracle.url, { ...question, scope: 'none' })).text)
    const { scout } = await browser.state()
    expect(scout!.engine!.kind).toBe('wgsl')
    await compare(oracle)
  })
})
