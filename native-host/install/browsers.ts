import { posix, win32 } from 'node:path'

/** What decides where browsers look; injected by tests. */
export interface Machine {
  readonly platform: NodeJS.Platform
  readonly env: NodeJS.ProcessEnv
  readonly homeFolder: string
}

export const BROWSER_NAMES = ['chrome', 'chromium', 'edge', 'brave', 'vivaldi', 'firefox'] as const
export type BrowserName = (typeof BROWSER_NAMES)[number]

/** One place that one browser reads manifests of native messaging hosts from. */
export interface BrowserPlace {
  readonly browser: BrowserName
  readonly title: string
  readonly family: 'chromium' | 'firefox'
  /** The browser's own folder: it has run here when this exists. */
  readonly profile: string
  /** The folder that manifests lie in; on Windows the registry key that names them. */
  readonly manifests: string
}

interface BrowserRow {
  readonly title: string
  /** Below the folder of configurations ($XDG_CONFIG_HOME), or from the home folder with ~/. */
  readonly linux: readonly string[]
  /** Below ~/Library/Application Support: the profile, and where manifests lie if that is elsewhere. */
  readonly mac: readonly [profile: string, manifests?: string]
  /** The profile below %LOCALAPPDATA% or %APPDATA%, and the key below HKCU\Software. */
  readonly windows: readonly [profile: string, key: string]
}

/** Vivaldi and Brave have no key of their own on Windows: they read Chrome's. */
const BROWSERS: Readonly<Record<BrowserName, BrowserRow>> = {
  chrome: {
    title: 'Google Chrome',
    linux: ['google-chrome', 'google-chrome-beta', 'google-chrome-unstable'],
    mac: ['Google/Chrome'],
    windows: ['%LOCALAPPDATA%\\Google\\Chrome\\User Data', 'Google\\Chrome'],
  },
  chromium: {
    title: 'Chromium',
    linux: ['chromium'],
    mac: ['Chromium'],
    windows: ['%LOCALAPPDATA%\\Chromium\\User Data', 'Chromium'],
  },
  edge: {
    title: 'Microsoft Edge',
    linux: ['microsoft-edge', 'microsoft-edge-beta', 'microsoft-edge-dev'],
    mac: ['Microsoft Edge'],
    windows: ['%LOCALAPPDATA%\\Microsoft\\Edge\\User Data', 'Microsoft\\Edge'],
  },
  brave: {
    title: 'Brave',
    linux: ['BraveSoftware/Brave-Browser'],
    mac: ['BraveSoftware/Brave-Browser'],
    windows: ['%LOCALAPPDATA%\\BraveSoftware\\Brave-Browser\\User Data', 'Google\\Chrome'],
  },
  vivaldi: {
    title: 'Vivaldi',
    linux: ['vivaldi', 'vivaldi-snapshot'],
    mac: ['Vivaldi'],
    windows: ['%LOCALAPPDATA%\\Vivaldi\\User Data', 'Google\\Chrome'],
  },
  firefox: {
    title: 'Firefox',
    // Since 147 it follows XDG, unless ~/.mozilla is there: making that would move it back.
    linux: ['~/.mozilla', 'mozilla'],
    mac: ['Firefox', 'Mozilla'],
    windows: ['%APPDATA%\\Mozilla\\Firefox', 'Mozilla'],
  },
}

/** Every place of every browser on this kind of machine, whether it is there or not. */
export function browserPlaces(machine: Machine): BrowserPlace[] {
  return BROWSER_NAMES.flatMap((browser) => placesOf(browser, machine))
}

/** A Chromium browser's profile somewhere else (`--user-data-dir`). */
export function profilePlace(folder: string): BrowserPlace {
  return {
    browser: 'chromium',
    title: `the profile ${folder}`,
    family: 'chromium',
    profile: folder,
    manifests: posix.join(folder, 'NativeMessagingHosts'),
  }
}

function placesOf(browser: BrowserName, { platform, env, homeFolder }: Machine): BrowserPlace[] {
  const { title, linux, mac, windows } = BROWSERS[browser]
  const family = browser === 'firefox' ? 'firefox' : 'chromium'
  const common = { browser, title, family } as const
  if (platform === 'win32') {
    const [profile, key] = windows
    const folders: Record<string, string> = {
      LOCALAPPDATA: env.LOCALAPPDATA ?? win32.join(homeFolder, 'AppData', 'Local'),
      APPDATA: env.APPDATA ?? win32.join(homeFolder, 'AppData', 'Roaming'),
    }
    return [
      {
        ...common,
        profile: profile.replace(/%(\w+)%/, (_, name: string) => folders[name]!),
        manifests: `HKCU\\Software\\${key}\\NativeMessagingHosts`,
      },
    ]
  }
  if (platform === 'darwin') {
    const support = posix.join(homeFolder, 'Library', 'Application Support')
    const [profile, manifests = profile] = mac
    return [
      {
        ...common,
        profile: posix.join(support, profile),
        manifests: posix.join(support, manifests, 'NativeMessagingHosts'),
      },
    ]
  }
  const config = env.XDG_CONFIG_HOME || posix.join(homeFolder, '.config')
  return linux.map((folder) => {
    const profile = folder.startsWith('~/')
      ? posix.join(homeFolder, folder.slice(2))
      : posix.join(config, folder)
    const name = family === 'firefox' ? 'native-messaging-hosts' : 'NativeMessagingHosts'
    return { ...common, profile, manifests: posix.join(profile, name) }
  })
}
