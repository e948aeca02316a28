import { startable } from '../../bridge/startable.ts'
import { backgroundLog } from '../../control/background-log.ts'
import type { DaemonNow } from '../../control/control-client.ts'
import { portHolder } from '../../daemon/port-holder.ts'
import { checkPorts, type Port } from '../../daemon/port-in-use.ts'
import { apiPort, meshPorts } from '../../daemon/ports.ts'
import { loadNativeAddon } from '../../engine/native-addon.ts'
import type { SelfCommand } from '../../packaged/self-command.ts'
import type { LoadedSettings } from '../../settings/load.ts'
import type { Settings } from '../../settings/schema.ts'
import { type Check, ok, warn, wrong } from './check.ts'

/** Whether a daemon runs, and how it is; or whether one could. */
export function daemonChecks(
  { settings, home }: LoadedSettings,
  now: DaemonNow | null,
  shard: SelfCommand,
): Check[] {
  if (now === null) {
    const { startable: can, why } = startable(settings, home, shard)
    const text = 'not running; the extension starts it when it needs it, or `shard serve`'
    return [
      can
        ? ok('daemon', text)
        : wrong('daemon', `not running, and cannot start: ${why}`, 'see what is named'),
    ]
  }
  const { pid, daemon } = now
  if (daemon.state === 'starting') return [ok('daemon', `starting, process ${pid}`)]
  const { engine, model, load } = daemon
  const busy = `${load.running} of ${load.slots} slots busy, ${load.queued} waiting`
  const checks = [ok('daemon', `running, process ${pid}, ${model?.name ?? 'no model'}; ${busy}`)]
  const what = `${engine.kind ?? 'engine'} ${engine.kernel ?? ''} ${engine.state}`.replace(/ +/g, ' ')
  if (engine.state === 'failed' || engine.state === 'restarting')
    checks.push(
      wrong(
        'engine',
        `${what}: ${engine.why}`,
        `the log says more (${backgroundLog(home.data)}, if the extension started it); \`shard stop\` and start again`,
      ),
    )
  else if (engine.kind === 'reference' && settings['engine.kind'] === 'auto')
    checks.push(warn('engine', `${what}: ${engine.why}`, REFERENCE))
  else checks.push(ok('engine', `${what}: ${engine.why}`))
  return checks
}

const REFERENCE =
  'it is correct, and slow: build the native engine with `npm run build` (a C++ compiler is needed)'

/** Whether the native engine would load, asked of it; for when no daemon says so. */
export function engineCheck(settings: Settings): Check {
  if (settings['engine.kind'] === 'reference')
    return ok('engine', 'the reference engine is asked for (setting engine.kind)')
  try {
    return ok('engine', `the native engine loads here, kernels ${loadNativeAddon().kernels().join(', ')}`)
  } catch (error) {
    const { message } = error as Error
    return settings['engine.kind'] === 'native'
      ? wrong('engine', message, 'npm run build, or set engine.kind to auto')
      : warn('engine', `the reference engine will run: ${message}`, REFERENCE)
  }
}

/** Of API and mesh: free, or this daemon's own. */
export async function portChecks(settings: Settings, daemonPid: number | null): Promise<Check[]> {
  const ports = [apiPort(settings), ...meshPorts(settings)].filter(({ port }) => port > 0)
  return Promise.all(ports.map((port) => portCheck(port, daemonPid)))
}

async function portCheck(port: Port, daemonPid: number | null): Promise<Check> {
  const place = `${port.host}:${port.port} ${port.protocol} (${port.setting})`
  const holder = daemonPid === null ? null : await portHolder(port.port, port.protocol)
  if (holder?.pid === daemonPid && daemonPid !== null) return ok('ports', `${place}: the daemon's`)
  try {
    await checkPorts([port])
    return ok('ports', `${place}: free`)
  } catch (error) {
    return wrong('ports', (error as Error).message, `stop that program, or choose another ${port.setting}`)
  }
}
