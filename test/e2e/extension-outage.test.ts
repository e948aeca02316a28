import { mkdtemp } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ensureIdentity } from '../../native-host/mesh/identity.ts'
import { complete } from '../support/chat-api.ts'
import { ExtensionBrowser } from '../support/extension.ts'
import { addressesOf, joinLinkOf, type Oracle, PACED, scoutAt } from '../support/paced-oracle.ts'
import { startOracle, temporaryHome } from '../support/shard-process.ts'
import { TcpProxy } from '../support/tcp-proxy.ts'

let home: Awaited<ReturnType<typeof temporaryHome>>
const folder = (name: string) => mkdtemp(join(home.path, name))

beforeAll(async () => {
  home = await temporaryHome()
})
afterAll(async () => {
  await home[Symbol.asyncDispose]()
})

/** A new browser with an Oracle that it is paired with by a join link. */
async function joined(options: { readonly args?: readonly string[] } = {}) {
  const data = await folder('oracle-')
  const oracle = await startOracle(data, ...PACED)
  const link = await joinLinkOf(oracle)
  const profile = await folder('profile-')
  const browser = await ExtensionBrowser.launch(profile, options)
  return { data, oracle, link, profile, browser }
}

async function scout(browser: ExtensionBrowser, addresses: readonly string[], invite: string | null) {
  await browser.set({ scoutMode: true, onlyOnPower: false, oracles: [{ addresses: [...addresses], invite }] })
  return ready(browser)
}

async function ready(browser: ExtensionBrowser): Promise<string> {
  const { scout } = await browser.until(
    ({ scout }) => scout?.phase === 'ready' || scout?.phase === 'drafting',
    'in the pool of the Oracle',
  )
  return scout!.scout!.peerId
}

const QUESTION = { maxTokens: 120, temperature: 0.8, seed: 5 }

/** Begins a long answer; resolves when the browser is drafting it. */
async function midDraft(browser: ExtensionBrowser, oracle: Oracle) {
  const { scout } = await browser.state()
  const answer = complete(oracle.url, QUESTION)
  answer.catch(() => {}) // looked at by the test
  await browser.until(
    ({ scout }, before) => scout?.phase === 'drafting' && (scout.scout?.drafted ?? 0) > before + 20,
    'drafting',
    { given: scout?.scout?.drafted ?? 0 },
  )
  return { answer }
}

const alone = async (oracle: Oracle) => (await complete(oracle.url, { ...QUESTION, scope: 'none' })).text

describe('a Scout in Chromium, where things go wrong', () => {
  it('is paired by a join link once, and takes the WebSocket where UDP is blocked', async () => {
    const { oracle, link, browser } = await joined({
      args: ['--force-webrtc-ip-handling-policy=disable_non_proxied_udp'],
    })
    const addresses = await addressesOf(oracle, 'webrtc-direct', 'websocket')
    expect(addresses).toHaveLength(2)
    const peerId = await scout(browser, addresses, link.invite)
    expect((await scoutAt(oracle, peerId))?.transports).toEqual(['websocket'])
    expect((await browser.settings()).oracles).toEqual([{ addresses, invite: null }])
    const helped = await (await midDraft(browser, oracle)).answer
    expect(helped.accepted).toBeGreaterThan(0)
    expect(helped.rejected).toBeGreaterThan(0)
    expect(helped.text).toBe(await alone(oracle))
    await browser.close()
    await oracle.stop()
  })

  it('drafts on when a tab of it is closed, and the answer survives the end of the whole browser', async () => {
    const { oracle, link, profile, browser } = await joined()
    const peerId = await scout(browser, link.oracles, link.invite)
    const tab = await browser.open('popup.html')
    const first = await midDraft(browser, oracle)
    await tab.close()
    const { text, accepted } = await first.answer
    expect(accepted).toBeGreaterThan(0)

    const second = await midDraft(browser, oracle)
    await browser.kill()
    expect((await second.answer).text).toBe(text)
    expect(text).toBe(await alone(oracle))

    // The same browser again: the same peer, which needs no new invitation.
    const again = await ExtensionBrowser.launch(profile)
    expect(await ready(again)).toBe(peerId)
    const third = await midDraft(again, oracle)
    expect((await third.answer).accepted).toBeGreaterThan(0)
    await again.close()
    await oracle.stop()
  })

  it('waits for an Oracle that was killed, and drafts for the next one at its address', async () => {
    const { data, oracle, link, browser } = await joined()
    const peerId = await scout(browser, link.oracles, link.invite)
    const ports = ['tcp', 'websocket', 'webrtc-direct'].map(async (transport) => {
      const [address] = await addressesOf(oracle, transport)
      return address!.match(/\/(?:tcp|udp)\/(\d+)/)![1]!
    })
    const [tcp, ws, webrtc] = await Promise.all(ports)
    const text = await alone(oracle)
    const { answer } = await midDraft(browser, oracle)
    await oracle.stop('SIGKILL')
    await expect(answer).rejects.toThrow()
    await browser.until(({ scout }) => scout?.phase === 'searching', 'looking for it')

    const flags = ['--mesh-tcp-port', tcp!, '--mesh-ws-port', ws!, '--mesh-webrtc-port', webrtc!]
    const next = await startOracle(data, ...PACED, ...flags)
    expect(await ready(browser)).toBe(peerId)
    const helped = await (await midDraft(browser, next)).answer
    expect(helped.accepted).toBeGreaterThan(0)
    expect(helped.text).toBe(text)
    await browser.close()
    await next.stop()
  })

  it('reaches an Oracle that listens nowhere but through a relay', async () => {
    const data = await folder('hidden-')
    const { peerId: hidden } = await ensureIdentity(join(data, 'mesh'))
    const relay = await startOracle(await folder('relay-'), '--mesh-paired', hidden)
    const [near] = await addressesOf(relay, 'websocket')
    const oracle = await startOracle(
      data,
      ...PACED,
      '--mesh-ws-port',
      '-1',
      '--mesh-webrtc-port',
      '-1',
      '--mesh-relays',
      near!,
    )
    const { invite } = await joinLinkOf(oracle)
    const browser = await ExtensionBrowser.launch(await folder('profile-'))
    const [through] = await addressesOf(oracle, 'relay')
    expect(through).toContain('/p2p-circuit')
    const peerId = await scout(browser, [through!], invite)
    expect((await scoutAt(oracle, peerId))?.transports).toEqual(['relay'])
    const helped = await (await midDraft(browser, oracle)).answer
    expect(helped.accepted).toBeGreaterThan(0)
    expect(helped.text).toBe(await alone(oracle))
    await browser.close()
    await oracle.stop()
    await relay.stop()
  })

  it('goes offline and comes back', async () => {
    const { oracle, link, browser } = await joined()
    const [address] = await addressesOf(oracle, 'websocket')
    const port = Number(address!.match(/\/tcp\/(\d+)/)![1])
    const network = await TcpProxy.start(port)
    const peerId = await scout(browser, [address!.replace(`/${port}/`, `/${network.port}/`)], link.invite)
    const { answer } = await midDraft(browser, oracle)
    await network.cut()
    await browser.until(({ scout }) => scout?.phase === 'searching', 'offline')
    const text = await alone(oracle)
    expect((await answer).text).toBe(text)
    expect(await scoutAt(oracle, peerId)).toBeUndefined()

    const back = await TcpProxy.start(port, network.port)
    expect(await ready(browser)).toBe(peerId)
    const helped = await (await midDraft(browser, oracle)).answer
    expect(helped.accepted).toBeGreaterThan(0)
    expect(helped.text).toBe(text)
    await browser.close()
    await back.cut()
    await oracle.stop()
  })
})
