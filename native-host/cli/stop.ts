import { setTimeout as sleep } from 'node:timers/promises'
import { ControlClient, ControlError } from '../control/control-client.ts'
import { controlPlace } from '../control/control-place.ts'
import { ShardError } from '../daemon/shard-error.ts'
import { homeFolders } from '../settings/home.ts'

/** A daemon cuts its own stop short before this. */
const STOP_MS = 20_000

/** `shard stop`: ends the daemon in order, and says so when it has ended. */
export async function stop(): Promise<void> {
  const { data } = homeFolders(process.env)
  const pid = await stopDaemon(data)
  if (pid === null) throw new ShardError('NO_DAEMON', `no daemon runs for ${data}: there is nothing to stop`)
  process.stdout.write(`The Shard daemon has stopped (process ${pid}).\n`)
}

/** What the process still does after its last words. */
const END_MS = 2_000
const LOOK_MS = 20

/**
 * @returns its process id once it has ended; null when none ran
 * @throws {ShardError} REFUSED when it does not end
 */
export async function stopDaemon(dataFolder: string): Promise<number | null> {
  const client = await ControlClient.connect(controlPlace(dataFolder))
  if (client === null) return null
  const late = Promise.withResolvers<never>()
  let pid: number | null = null
  const timer = setTimeout(
    () =>
      late.reject(
        new ShardError(
          'REFUSED',
          `the daemon${pid === null ? '' : `, process ${pid},`} did not stop in ${STOP_MS / 1000} s: end the process itself`,
        ),
      ),
    STOP_MS,
  )
  try {
    pid = await Promise.race([client.stop(), late.promise])
    await Promise.race([client.closed, late.promise])
    await ended(pid)
    return pid
  } catch (error) {
    if (error instanceof ControlError) throw new ShardError('REFUSED', error.message, { cause: error })
    throw error
  } finally {
    clearTimeout(timer)
    client.end()
  }
}

async function ended(pid: number): Promise<void> {
  const until = performance.now() + END_MS
  try {
    while (performance.now() < until) {
      process.kill(pid, 0)
      await sleep(LOOK_MS)
    }
  } catch {
    // There is no such process any more.
  }
}
