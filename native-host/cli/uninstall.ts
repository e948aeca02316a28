import { createInterface } from 'node:readline/promises'
import { askPid } from '../control/control-client.ts'
import { controlPlace } from '../control/control-place.ts'
import { ShardError } from '../daemon/shard-error.ts'
import { browserPlaces } from '../install/browsers.ts'
import { launcherPath } from '../install/launcher.ts'
import { installFolder } from '../install/record.ts'
import { windowsRegistry } from '../install/registry.ts'
import { describeStep, type Step } from '../install/step.ts'
import { uninstall as carryOut } from '../install/uninstall.ts'
import { homeFolders } from '../settings/home.ts'
import { thisMachine } from './install.ts'
import { stopDaemon } from './stop.ts'

export interface UninstallFlags {
  readonly purge?: boolean
  readonly yes?: boolean
  readonly dryRun?: boolean
  readonly json?: boolean
}

/** `shard uninstall`: takes away what `shard install` wrote, and stops the daemon. */
export async function uninstall(flags: UninstallFlags): Promise<void> {
  const { purge = false, dryRun = false } = flags
  const home = homeFolders(process.env)
  if (purge && !dryRun && !flags.yes) await confirmPurge(home.data)
  const pid = dryRun ? await askPid(controlPlace(home.data)) : await stopDaemon(home.data)
  const steps: Step[] = pid === null ? [] : [{ did: 'stop', pid }]
  steps.push(
    ...(await carryOut({
      home,
      registry: windowsRegistry,
      places: browserPlaces(thisMachine()),
      launcher: launcherPath(installFolder(home.data), process.platform),
      dryRun,
      purge,
    })),
  )
  if (flags.json) {
    process.stdout.write(`${JSON.stringify({ dryRun, steps }, null, 2)}\n`)
    return
  }
  process.stdout.write(
    steps.length === 0
      ? 'Nothing is installed.\n'
      : `${dryRun ? 'Would uninstall' : 'Uninstalling'} Shard\n${steps.map((step) => `  ${describeStep(step, dryRun)}`).join('')}`,
  )
  if (!purge && !dryRun)
    process.stdout.write(`Keys, models and settings are kept; --purge removes them from ${home.data}, too.\n`)
}

/** @throws {ShardError} USAGE when it is not wanted, or nobody can be asked */
async function confirmPurge(dataFolder: string): Promise<void> {
  if (!process.stdin.isTTY)
    throw new ShardError('USAGE', '--purge removes keys, models and settings: add --yes when that is meant')
  const terminal = createInterface({ input: process.stdin, output: process.stderr })
  const answer = await terminal.question(
    `Remove the keys, pairings and models in ${dataFolder}, and the settings? Type yes: `,
  )
  terminal.close()
  if (answer.trim().toLowerCase() !== 'yes') throw new ShardError('USAGE', 'nothing was removed')
}
