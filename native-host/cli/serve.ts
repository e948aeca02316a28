import type { Command } from 'commander'
import { backgroundLogWriter } from '../control/background-log.ts'
import { ControlServer } from '../control/control-server.ts'
import { type Daemon, startDaemon } from '../daemon/daemon.ts'
import { logUncaught } from '../daemon/last-resort.ts'
import { createLogger } from '../daemon/logger.ts'
import { welcome } from '../daemon/welcome.ts'
import { assets } from '../packaged/assets.ts'
import { selfCommand } from '../packaged/self-command.ts'
import { loadSettings } from '../settings/load.ts'
import { SHORT_FLAGS } from '../settings/names.ts'

/** A stop that takes longer is cut short. */
const STOP_MS = 8_000

/** `shard serve`: runs until a signal or `shard stop`; the second signal ends it at once. */
export async function serve(flags: ReadonlyMap<string, string>, command: Command): Promise<void> {
  const loaded = loadSettings({ env: process.env, flags, short: SHORT_FLAGS })
  const { backgroundLog } = command.opts<{ backgroundLog?: string }>()
  const writer = backgroundLog === undefined ? undefined : backgroundLogWriter(backgroundLog)
  const log = createLogger(loaded.settings['log.level'], 'shard', writer)
  logUncaught(log)
  const control = await ControlServer.start(loaded.home.data, log)
  const first = Promise.race([firstSignal(), control.stopAsked.then(() => 'shard stop')])
  const starting = startDaemon(loaded, selfCommand(), control, log)
  const end = async (why: string) => {
    await control.close(why)
    process.exit(process.exitCode ?? 0)
  }
  let daemon: Daemon | null
  try {
    daemon = await Promise.race([starting, first.then(() => null)])
  } catch (error) {
    await control.close(`it could not start: ${(error as Error).message}`)
    throw error
  }
  if (daemon === null) {
    // Stopped before it had started: what comes up is taken down again.
    const why = await first
    onNextSignal(() => process.exit(130))
    setTimeout(() => end(why), STOP_MS).unref()
    await starting.then((late) => late.stop()).catch(() => {})
    return end(why)
  }
  const running = daemon
  const join = backgroundLog === undefined ? running.invite() : null
  const extension = assets.path('build/extension/chrome-mv3')
  process.stdout.write(welcome(running, loaded.settings, join, extension))
  const why = await first
  log.info({ why }, 'stopping')
  onNextSignal(() => {
    running.kill()
    process.exit(130)
  })
  setTimeout(() => {
    log.error({ ms: STOP_MS }, 'stopping took too long')
    running.kill()
    process.exit(1)
  }, STOP_MS).unref()
  await running.stop()
  await end(why)
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
