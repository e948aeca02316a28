import { closeSync, fsyncSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs'
import { underLock } from '../control/claim-lock.ts'
import { ModelError } from './model-error.ts'

/** Locks of this process: its own id in a file says nothing about which of its downloads it is. */
const own = new Set<string>()

/**
 * Runs `work` while nobody else fetches the same file. `X.lock` holds the process's id; one that a killed process left is
 * taken over. @throws {ModelError} BUSY
 */
export async function whileLocked<T>(target: string, work: () => Promise<T>): Promise<T> {
  const path = `${target}.lock`
  if (own.has(path)) throw busy(target, process.pid)
  own.add(path)
  try {
    // Judging a lock and replacing it must be one step: two processes could find the same dead one.
    const holder = await underLock(`${path}.new`, async () => takeOver(path))
    if (holder !== null) throw busy(target, holder)
    try {
      return await work()
    } finally {
      rmSync(path, { force: true })
    }
  } finally {
    own.delete(path)
  }
}

/** Whether a running process fetches this file. */
export function lockHolder(target: string): number | null {
  const pid = readPid(`${target}.lock`)
  return pid !== null && isAlive(pid) && (pid !== process.pid || own.has(`${target}.lock`)) ? pid : null
}

/** @returns null when the lock is ours now, else who has it */
function takeOver(path: string): number | null {
  const pid = readPid(path)
  // This process's id, though this process holds none: an earlier one had the same id (in containers it is often 1).
  if (pid !== null && pid !== process.pid && isAlive(pid)) return pid
  const file = openSync(path, 'w', 0o600)
  writeSync(file, String(process.pid))
  fsyncSync(file)
  closeSync(file)
  return null
}

function readPid(path: string): number | null {
  try {
    const text = readFileSync(path, 'utf8')
    return /^[1-9]\d{0,9}$/.test(text) ? Number(text) : null
  } catch {
    return null
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH'
  }
}

function busy(target: string, pid: number): ModelError {
  return new ModelError(
    'BUSY',
    `process ${pid} is fetching ${target}: wait for it; if that process is something else, remove ${target}.lock`,
  )
}
