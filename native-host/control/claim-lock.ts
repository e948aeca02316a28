import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'

/** Held for some milliseconds, by daemons that start. */
const LONGEST_HELD_MS = 5_000
const LOOK_MS = 10

/**
 * Runs `work` while no other process runs its own under the same lock. One that died with the lock, or has had it far too
 * long, is not waited for.
 */
export async function underLock<T>(path: string, work: () => Promise<T>): Promise<T> {
  const until = performance.now() + LONGEST_HELD_MS
  while (!take(path)) {
    if (performance.now() > until || !holderLives(path)) rmSync(path, { force: true })
    else await sleep(LOOK_MS)
  }
  try {
    return await work()
  } finally {
    rmSync(path, { force: true })
  }
}

function take(path: string): boolean {
  try {
    writeFileSync(path, String(process.pid), { flag: 'wx', mode: 0o600 })
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
}

function holderLives(path: string): boolean {
  try {
    const pid = Number(readFileSync(path, 'utf8'))
    // Made, and not yet written.
    if (pid === 0) return true
    process.kill(pid, 0)
    return true
  } catch (error) {
    // Another user's lives, too; a lock that has just gone is taken at the next try.
    return (error as NodeJS.ErrnoException).code !== 'ESRCH'
  }
}
