import type { Command } from 'commander'
import { startDaemon } from '../daemon/daemon.ts'
import { logUncaught } from '../daemon/last-resort.ts'
import { createLogger } from '../daemon/logger.ts'
import { welcome } from '../daemon/welcome.ts'
import { selfCommand } from '../packaged/self-command.ts'
import { loadSettings } from '../settings/load.ts'
import { SHORT_FLAGS } from '../settings/names.ts'

/** A stop that takes longer is cut short. */
const STOP_MS = 8_000

/** `shard serve`: runs until a signal; the second one ends it at once. */
export async function serve(flags: ReadonlyMap<string, string>, _command: Command): Promise<void> {
  const loaded = loadSettings({ env: process.env, flags, short: SHORT_FLAGS })
  const log = createLogger(loaded.settings['log.level'], 'shard')
  logUncaught(log)
  const first = firstSignal()
  const starting = startDaemon(loaded, selfCommand(), log)
  const daemon = await Promise.race([starting, first.then(() => null)])
  const end = () => process.exit(process.exitCode ?? 0)
  if (daemon === null) {
    // Stopped before it had started: what comes up is taken down again.
    onNextSignal(() => process.exit(130))
    setTimeout(end, STOP_MS).unref()
    await starting.then((late) => late.stop()).catch(() => {})
    return end()
  }
  process.stdout.write(welcome(daemon, loaded.settings))
  const signal = await first
  log.info({ signal }, 'stopping')
  onNextSignal(() => {
    daemon.kill()
    process.exit(130)
  })
  setTimeout(() => {
    log.error({ ms: STOP_MS }, 'stopping took too long')
    daemon.kill()
    process.exit(1)
  }, STOP_MS).unref()
  await daemon.stop()
  end()
}

function firstSignal(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => onNextSignal(resolve))
}

function onNextSignal(listener: (signal: NodeJS.Signals) => void): void {
  const signals: NodeJS.Signals[] = ['SIGINT', 'SIGTERM', 'SIGHUP']
  const once = (signal: NodeJS.Signals) => {
    for (const name of signals) process.off(name, once)
    // Until somebody listens again, a further signal must not end the process on its own.
    for (const name of signals) process.on(name, () => {})
    listener(signal)
  }
  for (const name of signals) process.on(name, once)
}
