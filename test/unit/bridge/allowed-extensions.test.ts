import { describe, expect, it } from 'vitest'
import { allowedCaller, allowedExtensions } from '../../../native-host/bridge/allowed-extensions.ts'
import { CHROMIUM_EXTENSION_ID, FIREFOX_ADDON_ID } from '../../../shared/extension/identity.ts'

const STORE = 'abcdefghijklmnopabcdefghijklmnop'

describe('who may speak to the bridge', () => {
  it('is the fixed id of either browser, and what the setting adds', () => {
    expect(allowedExtensions([])).toEqual({ chromium: [CHROMIUM_EXTENSION_ID], firefox: [FIREFOX_ADDON_ID] })
    expect(allowedExtensions([STORE, 'other@example.org', STORE])).toEqual({
      chromium: [CHROMIUM_EXTENSION_ID, STORE],
      firefox: [FIREFOX_ADDON_ID, 'other@example.org'],
    })
  })

  const allowed = allowedExtensions([STORE])
  it.each([
    [[`chrome-extension://${CHROMIUM_EXTENSION_ID}/`], true],
    [[`chrome-extension://${CHROMIUM_EXTENSION_ID}/`, '--parent-window=0'], true],
    [[`chrome-extension://${STORE}/`], true],
    [['/home/a/.mozilla/native-messaging-hosts/dev.shard.host.json', FIREFOX_ADDON_ID], true],
    [[], false],
    [[''], false],
    [[`chrome-extension://${CHROMIUM_EXTENSION_ID}`], false],
    [[`chrome-extension://${CHROMIUM_EXTENSION_ID}/x`], false],
    [[`http://${CHROMIUM_EXTENSION_ID}/`], false],
    [['chrome-extension://ponmlkjihgfedcbaponmlkjihgfedcba/'], false],
    [
      [
        'chrome-extension://ponmlkjihgfedcbaponmlkjihgfedcba/',
        `chrome-extension://${CHROMIUM_EXTENSION_ID}/`,
      ],
      false,
    ],
    [['chrome-extension://ponmlkjihgfedcbaponmlkjihgfedcba/', FIREFOX_ADDON_ID], false],
    [['/a/dev.shard.host.json', 'stranger@example.org'], false],
    [[FIREFOX_ADDON_ID], false],
  ])('%j: %s', (args, served) => {
    expect(allowedCaller(args, allowed) !== null).toBe(served)
  })
})
