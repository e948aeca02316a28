import { beforeEach, describe, expect, it } from 'vitest'
import { DEFAULT_SETTINGS } from '../../../entrypoints/options/settings.ts'
import { ExtensionFeed } from '../../../entrypoints/pages/extension-feed.ts'
import { withOracle } from '../../../entrypoints/pages/oracle-entries.ts'
import { FakePlatform } from './fake-platform.ts'
import { attached, oracle, PEER_A, PEER_B, scout } from './states.ts'

let platform: FakePlatform
let feed: ExtensionFeed

beforeEach(() => {
  platform = new FakePlatform()
  feed = new ExtensionFeed(platform)
})

describe('the state that a page sees', () => {
  it('begins with what is stored, and asks everybody for the rest', async () => {
    platform.stored = { scoutMode: true, window: 5 }
    await feed.open()
    expect(feed.snapshot().settings).toEqual({ ...DEFAULT_SETTINGS, scoutMode: true, window: 5 })
    expect(platform.said).toEqual([{ type: 'ask' }])
    expect(platform.sent).toEqual([{ to: 'background', type: 'look' }])
  })

  it('follows what others say and store, and is one object until something changes', async () => {
    await feed.open()
    let changes = 0
    const leave = feed.subscribe(() => changes++)
    const before = feed.snapshot()
    expect(feed.snapshot()).toBe(before)
    platform.hear({ type: 'scout', scout: scout({ phase: 'ready' }) })
    platform.hearHost(attached())
    platform.put({ gpuShare: 20 })
    platform.hear({ type: 'ask' })
    expect(changes).toBe(3)
    expect(feed.snapshot()).toMatchObject({
      scout: { phase: 'ready' },
      host: { port: 'open' },
      settings: { gpuShare: 20 },
    })
    leave()
    platform.put({ gpuShare: 30 })
    expect(changes).toBe(3)
  })

  it('stores what a page changes, shows it at once, and says when it could not be stored', async () => {
    await feed.open()
    const stored = feed.update({ scoutMode: true })
    expect(feed.snapshot().settings.scoutMode).toBe(true)
    await stored
    expect(platform.stored).toEqual({ scoutMode: true })
    platform.refuses = true
    await expect(feed.update({ window: 3 })).rejects.toThrow('disk is full')
    // What is shown is what holds.
    expect(feed.snapshot().settings.window).toBe(DEFAULT_SETTINGS.window)
  })

  it('revises a list by what is stored now, not by what was shown', async () => {
    await feed.open()
    platform.stored.oracles = [oracle(PEER_B)]
    await feed.revise('oracles', (list) => withOracle(list, oracle(PEER_A)))
    expect(platform.stored.oracles).toEqual([oracle(PEER_B), oracle(PEER_A)])
  })

  it('knows of the native host once somebody spoke of it', async () => {
    await feed.open()
    let known = false
    const waited = feed.hostKnown.then(() => {
      known = true
    })
    platform.hearHost({ ...attached(), port: 'opening', api: null })
    await Promise.resolve()
    expect(known).toBe(false)
    platform.hearHost(attached())
    await waited
    expect(known).toBe(true)
  })
})
