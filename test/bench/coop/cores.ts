import { readFileSync } from 'node:fs'

/** Lists of processors as taskset takes them. */
export interface Cores {
  readonly oracle: string
  readonly others: string
}

/** The first processor that this process may use for the Oracle, the others for all else; null where there is one only. */
export function sharedOut(): Cores | null {
  const [, list] = /^Cpus_allowed_list:\s*(\S+)$/m.exec(readFileSync('/proc/self/status', 'utf8'))!
  const [oracle, ...others] = numbers(list!)
  return others.length === 0 ? null : { oracle: String(oracle), others: others.join(',') }
}

/** @param list as `0,2-4` */
export function numbers(list: string): number[] {
  return list.split(',').flatMap((range) => {
    const [first, last = first] = range.split('-').map(Number)
    return Array.from({ length: last! - first! + 1 }, (_, i) => first! + i)
  })
}
