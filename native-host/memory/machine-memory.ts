import { readFileSync } from 'node:fs'
import { freemem, totalmem } from 'node:os'
import { groupMemory, type ReadFile } from './cgroup-memory.ts'

/** What of the machine this process may use. */
export interface MachineMemory {
  /** Physical memory, or what a container allows of it. */
  readonly totalBytes: number
  /** What models may take at the moment. */
  readonly freeBytes: number
}

/** What the system says of itself. */
export interface SystemMemory {
  readonly platform: string
  readonly totalBytes: number
  readonly freeBytes: number
  readonly read: ReadFile
}

export function machineMemory(system: SystemMemory = thisSystem()): MachineMemory {
  const groups = system.platform === 'linux' ? groupMemory(system.read) : []
  const rooms = groups.map(({ limitBytes, usedBytes }) => Math.max(0, limitBytes - usedBytes))
  return {
    totalBytes: Math.min(system.totalBytes, ...groups.map(({ limitBytes }) => limitBytes)),
    freeBytes: Math.min(available(system), ...rooms),
  }
}

/**
 * What the system calls available. Where it counts what it would give back at once as taken (macOS), all that the machine
 * has: better to try than to refuse what fits.
 */
function available({ platform, totalBytes, freeBytes, read }: SystemMemory): number {
  if (platform === 'win32') return freeBytes
  const kib =
    platform === 'linux' ? /^MemAvailable:\s+(\d+) kB/m.exec(read('/proc/meminfo') ?? '')?.[1] : undefined
  return kib === undefined ? totalBytes : Number(kib) * 1024
}

function thisSystem(): SystemMemory {
  const { platform } = process
  return { platform, totalBytes: totalmem(), freeBytes: freemem(), read: readOrNull }
}

function readOrNull(path: string): string | null {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    // A sandbox without /proc, a group without this controller.
    return null
  }
}
