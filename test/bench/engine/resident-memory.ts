import { readFileSync } from 'node:fs'

export interface ResidentMemory {
  /** Proportional set size: pages that several processes map count by their share. */
  readonly pssBytes: number
  readonly rssBytes: number
}

/** Of this process; null where the system does not tell (it is Linux that does). */
export function residentMemory(): ResidentMemory | null {
  let text: string
  try {
    text = readFileSync('/proc/self/smaps_rollup', 'utf8')
  } catch {
    return null
  }
  const kilobytes = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(text)?.[1])
  return { pssBytes: kilobytes('Pss') * 1024, rssBytes: kilobytes('Rss') * 1024 }
}
