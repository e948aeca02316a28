import { readFileSync } from 'node:fs'
import { freemem, totalmem } from 'node:os'

/**
 * Memory that a model may take, in bytes: what the system calls available, and never more than a container allows.
 * Where a system counts what it would give back at once as taken (macOS), all of the machine's memory: better to try than
 * to refuse what fits.
 */
export function freeMemory(): number {
  const limit = process.constrainedMemory()
  return Math.min(available(), limit > 0 ? limit : Number.POSITIVE_INFINITY)
}

function available(): number {
  if (process.platform === 'linux') {
    try {
      const kib = /^MemAvailable:\s+(\d+) kB/m.exec(readFileSync('/proc/meminfo', 'utf8'))?.[1]
      if (kib !== undefined) return Number(kib) * 1024
    } catch {
      // A sandbox without /proc.
    }
  }
  return process.platform === 'win32' ? freemem() : totalmem()
}
