import { existsSync } from 'node:fs'
import { homedir } from 'node:os'
import { resolve } from 'node:path'
import { allowedExtensions } from '../bridge/allowed-extensions.ts'
import { ShardError } from '../daemon/shard-error.ts'
import {
  BROWSER_NAMES,
  type BrowserName,
  type BrowserPlace,
  browserPlaces,
  type Machine,
  profilePlace,
} from '../install/browsers.ts'
import { install as carryOut } from '../install/install.ts'
import { bridgeCommand } from '../install/launcher.ts'
import { planInstall } from '../install/plan.ts'
import { installFolder } from '../install/record.ts'
import { windowsRegistry } from '../install/registry.ts'
import { describeStep } from '../install/step.ts'
import { loadSettings } from '../settings/load.ts'

export interface InstallFlags {
  readonly browser: readonly string[]
  readonly userDataDir: readonly string[]
  readonly dryRun?: boolean
  readonly force?: boolean
  readonly json?: boolean
}

export function thisMachine(): Machine {
  return { platform: process.platform, env: process.env, homeFolder: homedir() }
}

/** `shard install`: tells this user's browsers where the bridge is. */
export async function install(flags: InstallFlags): Promise<void> {
  const { settings, home } = loadSettings({ env: process.env })
  const dryRun = flags.dryRun ?? false
  const places = choosePlaces(flags, browserPlaces(thisMachine()))
  const plan = planInstall({
    platform: process.platform,
    env: process.env,
    folder: installFolder(home.data),
    command: bridgeCommand(),
    places,
    allowed: allowedExtensions(settings['bridge.extensions']),
  })
  const steps = await carryOut(plan, {
    dataFolder: home.data,
    registry: windowsRegistry,
    dryRun,
    force: flags.force ?? false,
  })
  const browsers = [...new Set(places.map(({ title }) => title))]
  if (flags.json) {
    process.stdout.write(`${JSON.stringify({ dryRun, browsers, steps }, null, 2)}\n`)
    return
  }
  const found = flags.browser.length + flags.userDataDir.length === 0 ? 'found here: ' : ''
  process.stdout.write(`${dryRun ? 'Would install for' : 'Installing for'} ${found}${browsers.join(', ')}\n`)
  process.stdout.write(steps.map((step) => `  ${describeStep(step, dryRun)}`).join(''))
  if (!dryRun)
    process.stdout.write(
      'Done. The extension finds this host at once; `shard doctor` checks the whole way.\n',
    )
}

/** @throws {ShardError} USAGE, NOT_INSTALLED */
function choosePlaces(flags: InstallFlags, all: readonly BrowserPlace[]): BrowserPlace[] {
  const wrong = flags.browser.find((name) => !BROWSER_NAMES.includes(name as BrowserName))
  if (wrong !== undefined)
    throw new ShardError('USAGE', `--browser ${wrong}: there is ${BROWSER_NAMES.join(', ')}`)
  const profiles = flags.userDataDir.map((folder) => profilePlace(resolve(folder)))
  const named = flags.browser.flatMap((name) => {
    const places = all.filter(({ browser }) => browser === name)
    const there = places.filter(({ profile }) => existsSync(profile))
    // One that has never run here finds it when it does.
    return there.length > 0 ? there : places.slice(0, 1)
  })
  if (profiles.length + named.length > 0) return [...named, ...profiles]
  const found = all.filter(({ profile }) => existsSync(profile))
  if (found.length > 0) return found
  throw new ShardError(
    'NOT_INSTALLED',
    `no browser was found here: start one first, or name it with --browser (${BROWSER_NAMES.join(', ')})`,
  )
}
