import { isSettingKey, SETTING_KEYS, type SettingKey } from './schema.ts'

export type ShortFlags = Readonly<Record<string, SettingKey>>

/** Short flags for what is typed most. */
export const SHORT_FLAGS: ShortFlags = {
  '--port': 'api.port',
  '--host': 'api.host',
  '--pace': 'engine.pace_ms',
  '--model': 'engine.model',
  '--engine': 'engine.kind',
  '--threads': 'engine.threads',
  '--kv-cache': 'engine.kv_cache',
  '--scouts': 'scouts.count',
  '--scope': 'mesh.scope',
}

/** Those of a headless Scout: its model is the draft model. */
export const SCOUT_FLAGS: ShortFlags = {
  '--oracle': 'scout.oracle',
  '--model': 'draft.model',
  '--capacity': 'scout.capacity',
  '--serve': 'scout.serve',
  '--engine': 'engine.kind',
  '--threads': 'engine.threads',
}

/** `engine.pace_ms` → `SHARD_ENGINE_PACE_MS` */
export function environmentName(key: SettingKey): string {
  return `SHARD_${key.toUpperCase().replaceAll('.', '_')}`
}

/** `engine.pace_ms` → `--engine-pace-ms` */
export function flagName(key: SettingKey): string {
  return `--${key.replaceAll(/[._]/g, '-')}`
}

/** The known key most like a wrong one, if any is near. */
export function nearestKey(wrong: string): SettingKey | null {
  const normal = wrong
    .toLowerCase()
    .replace(/^shard_|^--/, '')
    .replaceAll('-', '_')
  const exact = normal.replace('_', '.')
  if (isSettingKey(exact)) return exact
  let best: SettingKey | null = null
  let least = Math.max(2, Math.floor(normal.length / 3)) + 1
  for (const key of SETTING_KEYS) {
    const distance = editDistance(normal.replaceAll('.', '_'), key.replaceAll('.', '_'))
    if (distance < least) {
      least = distance
      best = key
    }
  }
  return best
}

/** Levenshtein distance of two short words. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const change = row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)
      next.push(Math.min(row[j]! + 1, next[j - 1]! + 1, change))
    }
    row = next
  }
  return row[b.length]!
}
