import { readFileSync } from 'node:fs'

/** Resident bytes of these processes together; null where the system does not say without asking another program. */
export function residentBytes(pids: readonly (number | undefined)[]): number | null {
  if (process.platform !== 'linux') return null
  let kib = 0
  for (const pid of pids) {
    try {
      // A process that is just ending has none.
      kib += Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0)
    } catch {}
  }
  return kib * 1024
}
