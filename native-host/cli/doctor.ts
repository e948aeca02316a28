import { allowedExtensions } from '../bridge/allowed-extensions.ts'
import { askState } from '../control/control-client.ts'
import { controlPlace } from '../control/control-place.ts'
import { browserPlaces } from '../install/browsers.ts'
import { browserChecks } from '../install/doctor/browser-checks.ts'
import { type Check, ok, report, wrong } from '../install/doctor/check.ts'
import { daemonChecks, engineCheck, portChecks } from '../install/doctor/daemon-checks.ts'
import { diskCheck, gpuCheck, modelCheck, nodeCheck } from '../install/doctor/machine-checks.ts'
import { launcherPath } from '../install/launcher.ts'
import { EMPTY_RECORD, type InstallRecord, installFolder, readRecord } from '../install/record.ts'
import { windowsRegistry } from '../install/registry.ts'
import { selfCommand } from '../packaged/self-command.ts'
import { version } from '../packaged/version.ts'
import { homeFolders, settingsFile } from '../settings/home.ts'
import { type LoadedSettings, loadSettings } from '../settings/load.ts'
import { DEFAULT_SETTINGS } from '../settings/schema.ts'
import { thisMachine } from './install.ts'

/** `shard doctor`: from browser to model, what is well and what to do about the rest; ends with 1 when something is wrong. */
export async function doctor(options: { readonly json?: boolean }): Promise<void> {
  const home = homeFolders(process.env)
  const checks: Check[] = []
  const loaded = readSettings(checks)
  const { settings } = loaded
  checks.push(
    ...(await browserChecks({
      places: browserPlaces(thisMachine()),
      record: readInstalled(home.data, checks),
      registry: windowsRegistry,
      allowed: allowedExtensions(settings['bridge.extensions']),
      launcher: launcherPath(installFolder(home.data), process.platform),
    })),
  )
  const now = await askState(controlPlace(home.data))
  checks.push(...daemonChecks(loaded, now, selfCommand()))
  if (now === null) checks.push(engineCheck(settings))
  checks.push(
    await modelCheck(settings),
    ...(await portChecks(settings, now?.pid ?? null)),
    gpuCheck(),
    diskCheck(home.data),
    nodeCheck(),
  )
  const wrongs = checks.filter(({ status }) => status === 'wrong').length
  if (wrongs > 0) process.exitCode = 1
  if (options.json) {
    process.stdout.write(`${JSON.stringify({ version, ok: wrongs === 0, checks }, null, 2)}\n`)
    return
  }
  const colour = process.stdout.isTTY === true && !process.env.NO_COLOR && process.env.TERM !== 'dumb'
  const end =
    wrongs === 0 ? 'Nothing is wrong.' : wrongs === 1 ? 'One thing is wrong.' : `${wrongs} things are wrong.`
  process.stdout.write(`${report(checks, colour)}\n${end}\n`)
}

function readSettings(checks: Check[]): LoadedSettings {
  const home = homeFolders(process.env)
  try {
    const loaded = loadSettings({ env: process.env })
    checks.push(ok('settings', `${loaded.sources.size} set, the others as they come (${settingsFile(home)})`))
    return loaded
  } catch (error) {
    checks.push(wrong('settings', (error as Error).message, 'change that; what follows goes by the defaults'))
    return { settings: DEFAULT_SETTINGS, sources: new Map(), home }
  }
}

function readInstalled(dataFolder: string, checks: Check[]): InstallRecord {
  try {
    return readRecord(dataFolder)
  } catch (error) {
    checks.push(wrong('browser', (error as Error).message, 'remove that file and run `shard install`'))
    return EMPTY_RECORD
  }
}
