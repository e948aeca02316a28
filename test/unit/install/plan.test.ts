import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { allowedExtensions } from '../../../native-host/bridge/allowed-extensions.ts'
import {
  BROWSER_NAMES,
  browserPlaces,
  type Machine,
  profilePlace,
} from '../../../native-host/install/browsers.ts'
import { launcher } from '../../../native-host/install/launcher.ts'
import { parseManifest } from '../../../native-host/install/manifest.ts'
import { planInstall } from '../../../native-host/install/plan.ts'
import { CHROMIUM_EXTENSION_ID, FIREFOX_ADDON_ID } from '../../../shared/extension/identity.ts'
import { tempFolder } from '../../support/temp-folder.ts'

const linux: Machine = { platform: 'linux', env: {}, homeFolder: '/home/ada' }
const mac: Machine = { platform: 'darwin', env: {}, homeFolder: '/Users/ada' }
const windows: Machine = {
  platform: 'win32',
  env: { LOCALAPPDATA: 'C:\\Users\\ada\\AppData\\Local', APPDATA: 'C:\\Users\\ada\\AppData\\Roaming' },
  homeFolder: 'C:\\Users\\ada',
}

function plan(machine: Machine, places = browserPlaces(machine)) {
  const isWindows = machine.platform === 'win32'
  return planInstall({
    platform: machine.platform,
    env: machine.env,
    folder: isWindows ? 'C:\\Users\\ada\\AppData\\Local\\shard\\Data\\bridge' : '/data/bridge',
    command: isWindows ? ['C:\\Program Files\\shard.exe', 'bridge'] : ['/opt/shard', 'bridge'],
    places,
    allowed: allowedExtensions([]),
  })
}

describe('where manifests go', () => {
  it('on Linux', () => {
    expect(plan(linux).files.map(({ path }) => path)).toEqual([
      '/data/bridge/shard-bridge',
      '/home/ada/.config/google-chrome/NativeMessagingHosts/dev.shard.host.json',
      '/home/ada/.config/google-chrome-beta/NativeMessagingHosts/dev.shard.host.json',
      '/home/ada/.config/google-chrome-unstable/NativeMessagingHosts/dev.shard.host.json',
      '/home/ada/.config/chromium/NativeMessagingHosts/dev.shard.host.json',
      '/home/ada/.config/microsoft-edge/NativeMessagingHosts/dev.shard.host.json',
      '/home/ada/.config/microsoft-edge-beta/NativeMessagingHosts/dev.shard.host.json',
      '/home/ada/.config/microsoft-edge-dev/NativeMessagingHosts/dev.shard.host.json',
      '/home/ada/.config/BraveSoftware/Brave-Browser/NativeMessagingHosts/dev.shard.host.json',
      '/home/ada/.config/vivaldi/NativeMessagingHosts/dev.shard.host.json',
      '/home/ada/.config/vivaldi-snapshot/NativeMessagingHosts/dev.shard.host.json',
      '/home/ada/.mozilla/native-messaging-hosts/dev.shard.host.json',
      '/home/ada/.config/mozilla/native-messaging-hosts/dev.shard.host.json',
    ])
    expect(plan(linux).registry).toEqual([])
  })

  it('on Linux with a folder of configurations elsewhere', () => {
    const moved = browserPlaces({ ...linux, env: { XDG_CONFIG_HOME: '/cfg' } })
    expect(moved.map(({ manifests }) => manifests)).toContain('/cfg/chromium/NativeMessagingHosts')
    expect(moved.map(({ manifests }) => manifests)).toContain('/home/ada/.mozilla/native-messaging-hosts')
  })

  it('on macOS', () => {
    const support = '/Users/ada/Library/Application Support'
    expect(plan(mac).files.map(({ path }) => path)).toEqual([
      '/data/bridge/shard-bridge',
      `${support}/Google/Chrome/NativeMessagingHosts/dev.shard.host.json`,
      `${support}/Chromium/NativeMessagingHosts/dev.shard.host.json`,
      `${support}/Microsoft Edge/NativeMessagingHosts/dev.shard.host.json`,
      `${support}/BraveSoftware/Brave-Browser/NativeMessagingHosts/dev.shard.host.json`,
      `${support}/Vivaldi/NativeMessagingHosts/dev.shard.host.json`,
      `${support}/Mozilla/NativeMessagingHosts/dev.shard.host.json`,
    ])
    expect(browserPlaces(mac).find(({ browser }) => browser === 'firefox')?.profile).toBe(
      `${support}/Firefox`,
    )
  })

  it('on Windows: in the registry, each key once', () => {
    const { files, registry } = plan(windows)
    const folder = 'C:\\Users\\ada\\AppData\\Local\\shard\\Data\\bridge'
    expect(files.map(({ path }) => path)).toEqual([
      `${folder}\\shard-bridge.bat`,
      `${folder}\\chromium.json`,
      `${folder}\\firefox.json`,
    ])
    expect(registry).toEqual([
      {
        key: 'HKCU\\Software\\Google\\Chrome\\NativeMessagingHosts\\dev.shard.host',
        value: `${folder}\\chromium.json`,
      },
      {
        key: 'HKCU\\Software\\Chromium\\NativeMessagingHosts\\dev.shard.host',
        value: `${folder}\\chromium.json`,
      },
      {
        key: 'HKCU\\Software\\Microsoft\\Edge\\NativeMessagingHosts\\dev.shard.host',
        value: `${folder}\\chromium.json`,
      },
      {
        key: 'HKCU\\Software\\Mozilla\\NativeMessagingHosts\\dev.shard.host',
        value: `${folder}\\firefox.json`,
      },
    ])
    expect(browserPlaces(windows).map(({ profile }) => profile)).toContain(
      'C:\\Users\\ada\\AppData\\Local\\Vivaldi\\User Data',
    )
  })

  it('every browser has a place on every system', () => {
    for (const machine of [linux, mac, windows])
      expect(new Set(browserPlaces(machine).map(({ browser }) => browser))).toEqual(new Set(BROWSER_NAMES))
  })

  it('each says who may call, as its browser wants it', () => {
    const { files, launcher: start } = plan(linux, [profilePlace('/p'), ...browserPlaces(linux).slice(-1)])
    const [, chromium, firefox] = files.map(({ text }) => parseManifest(text))
    expect(chromium).toEqual({
      name: 'dev.shard.host',
      path: start.path,
      type: 'stdio',
      allowed_origins: [`chrome-extension://${CHROMIUM_EXTENSION_ID}/`],
    })
    expect(firefox).toEqual({
      name: 'dev.shard.host',
      path: start.path,
      type: 'stdio',
      allowed_extensions: [FIREFOX_ADDON_ID],
    })
  })
})

describe('the launcher', () => {
  const odd = `a 'b' "c" $HOME \`id\` %PATH% \\ ü`

  it('starts the program with its arguments and the pinned folders, whatever is in their names', async () => {
    const folder = await tempFolder()
    const command = [
      process.execPath,
      '-e',
      'console.log(JSON.stringify([process.argv.slice(1), process.env.SHARD_HOME]))',
      odd,
    ]
    const { text } = launcher(folder, command, 'linux', { SHARD_HOME: `/x/${odd}`, HOME: '/no' })
    const path = join(folder, 'run')
    writeFileSync(path, text, { mode: 0o700 })
    const out = execFileSync(path, ['chrome-extension://x/', 'a b'], {
      encoding: 'utf8',
      env: { PATH: '/nowhere' },
    })
    expect(JSON.parse(out)).toEqual([[odd, 'chrome-extension://x/', 'a b'], `/x/${odd}`])
  })

  it('on Windows quotes words and doubles percent signs', () => {
    const { path, text } = launcher('C:\\d', ['C:\\100% mine\\node.exe', 'C:\\b.js'], 'win32', {
      SHARD_HOME: 'D:\\%x%',
    })
    expect(path).toBe('C:\\d\\shard-bridge.bat')
    expect(text.split('\r\n')).toEqual([
      '@echo off',
      'chcp 65001 >nul',
      'set "SHARD_HOME=D:\\%%x%%"',
      '"C:\\100%% mine\\node.exe" "C:\\b.js" %*',
      '',
    ])
  })

  it.each([
    ['linux', '/a\nb'],
    ['win32', 'C:\\a"b'],
  ] as const)('on %s refuses %j', (platform, word) => {
    expect(() => launcher('/d', [word], platform, {})).toThrow(/cannot stand in a script/)
    expect(() => launcher('/d', ['/x'], platform, { SHARD_HOME: word })).toThrow(/cannot stand in a script/)
  })
})
