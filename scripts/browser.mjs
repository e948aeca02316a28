// Finds a Chromium for the tests, or installs one: Debian's package when root on Debian, else Playwright's.
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { must, pinnedNode, root } from './toolchain.mjs'

const CANDIDATES = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome']

/** @returns {string} path of the executable */
export async function ensureBrowser() {
  const given = process.env.SHARD_TEST_BROWSER
  if (given) return given
  const { chromium } = await import('playwright-core')
  const found = () => [...CANDIDATES, chromium.executablePath()].find((path) => existsSync(path))
  const path = found()
  if (path) return path
  const debian = existsSync('/etc/debian_version') && process.getuid?.() === 0
  if (debian) {
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
    spawnSync('apt-get', ['update', '-qq'], { stdio: 'inherit', env })
    spawnSync('apt-get', ['install', '-y', '-qq', '--no-install-recommends', 'chromium'], {
      stdio: 'inherit',
      env,
    })
  }
  if (!found())
    must(pinnedNode(), [join(root, 'node_modules', 'playwright-core', 'cli.js'), 'install', 'chromium'])
  const installed = found()
  if (!installed)
    throw new Error('no Chromium was found or could be installed; name one in SHARD_TEST_BROWSER')
  return installed
}
