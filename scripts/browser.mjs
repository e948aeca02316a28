// Finds the browsers of the tests, or installs them: Debian's packages when root on Debian, else Playwright's Chromium.
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { must, pinnedNode, root } from './toolchain.mjs'

const CHROMIUM = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome']
const FIREFOX = [
  '/usr/bin/firefox-esr',
  '/usr/bin/firefox',
  '/Applications/Firefox.app/Contents/MacOS/firefox',
  'C:\\Program Files\\Mozilla Firefox\\firefox.exe',
]

/** @returns {Promise<string>} path of a Chromium */
export async function ensureBrowser() {
  const given = process.env.SHARD_TEST_BROWSER
  if (given) return given
  const { chromium } = await import('playwright-core')
  const found = () => [...CHROMIUM, chromium.executablePath()].find((path) => existsSync(path))
  const path = found()
  if (path) return path
  installByDebian('chromium')
  if (!found())
    must(pinnedNode(), [join(root, 'node_modules', 'playwright-core', 'cli.js'), 'install', 'chromium'])
  const installed = found()
  if (!installed)
    throw new Error('no Chromium was found or could be installed; name one in SHARD_TEST_BROWSER')
  return installed
}

/** @returns {string | null} path of a Firefox; null, and a line that says so, where none is to be had */
export function ensureFirefox() {
  const given = process.env.SHARD_TEST_FIREFOX
  if (given) return given
  const found = () => FIREFOX.find((path) => existsSync(path))
  if (!found()) installByDebian('firefox-esr')
  const path = found()
  if (path) return path
  process.stderr.write(
    'shard: no Firefox was found or could be installed: its tests are skipped; name one in SHARD_TEST_FIREFOX\n',
  )
  return null
}

/** Does nothing where that is not this user's to do. */
function installByDebian(name) {
  if (!existsSync('/etc/debian_version') || process.getuid?.() !== 0) return
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  spawnSync('apt-get', ['update', '-qq'], { stdio: 'inherit', env })
  spawnSync('apt-get', ['install', '-y', '-qq', '--no-install-recommends', name], { stdio: 'inherit', env })
}
