import type { LoadedSettings } from './load.ts'
import { environmentName, flagName } from './names.ts'
import { factsOf, SETTING_KEYS, type SettingKey } from './schema.ts'

export interface SettingRow {
  readonly key: SettingKey
  readonly value: unknown
  readonly unit: string
  readonly source: string
  readonly meaning: string
  readonly allowed: string
  readonly environment: string
  readonly flag: string
}

export function settingRows({ settings, sources }: LoadedSettings): SettingRow[] {
  return SETTING_KEYS.map((key) => {
    const { unit, meaning, allowed, secret } = factsOf(key)
    const value = secret && settings[key] !== '' ? '(set)' : settings[key]
    return {
      key,
      value,
      unit,
      source: sources.get(key) ?? 'default',
      meaning,
      allowed,
      environment: environmentName(key),
      flag: flagName(key),
    }
  })
}

/** One line a setting: key, value with unit, source, meaning. */
export function settingsTable(loaded: LoadedSettings): string {
  const cells = settingRows(loaded).map(({ key, value, unit, source, meaning }) => [
    key,
    `${shown(value)}${unit && ` ${unit}`}`,
    source,
    meaning,
  ])
  const rows = [['KEY', 'VALUE', 'SOURCE', 'MEANING'], ...cells]
  const widths = [0, 1, 2].map((column) => Math.max(...rows.map((row) => row[column]!.length)))
  return rows
    .map((row) => row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  '))
    .map((line) => `${line.trimEnd()}\n`)
    .join('')
}

function shown(value: unknown): string {
  if (Array.isArray(value)) return value.length === 0 ? '[]' : value.join(',')
  return value === '' ? '""' : String(value)
}
