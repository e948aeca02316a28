import { readFileSync } from 'node:fs'
import { type Home, homeFolders, settingsFile } from './home.ts'
import type { ShortFlags } from './names.ts'
import { fromEnvironment, fromFile, fromFlags, type RawSettings } from './parse.ts'
import { DEFAULT_SETTINGS, type SettingKey, type Settings } from './schema.ts'
import { SettingsError } from './settings-error.ts'

export interface LoadedSettings {
  readonly settings: Settings
  /** Where each value that is no default came from: a path, `environment NAME` or `flag --name`. */
  readonly sources: ReadonlyMap<SettingKey, string>
  readonly home: Home
}

export interface SettingsInput {
  readonly env: NodeJS.ProcessEnv
  readonly flags?: ReadonlyMap<string, string>
  /** The command's short flags. */
  readonly short?: ShortFlags
}

/** Defaults, then the file, then the environment, then the flags: the later wins. */
export function loadSettings({ env, flags = new Map(), short }: SettingsInput): LoadedSettings {
  const home = homeFolders(env)
  const values: Record<string, unknown> = { ...DEFAULT_SETTINGS }
  const sources = new Map<SettingKey, string>()
  const layers: RawSettings[] = [readFile(settingsFile(home)), fromEnvironment(env), fromFlags(flags, short)]
  for (const layer of layers) {
    for (const [key, { value, source }] of layer) {
      values[key] = value
      sources.set(key, source)
    }
  }
  const settings = values as Settings
  checkTogether(settings)
  return { settings, sources, home }
}

function readFile(path: string): RawSettings {
  let json: string
  try {
    json = readFileSync(path, 'utf8')
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return new Map()
    throw new SettingsError('FILE_INVALID', `cannot read ${path}: ${(cause as Error).message}`, { cause })
  }
  return fromFile(json, path)
}

export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(host)
}

function checkTogether(settings: Settings): void {
  const host = settings['api.host']
  if (!isLoopback(host) && settings['api.key'] === '') {
    const message = `api.host is ${host}, which other machines reach: set api.key, so that not everybody may use it`
    throw new SettingsError('CONFLICT', `${message} (or leave api.host at 127.0.0.1)`)
  }
  if (settings['scheduler.max_rows'] < settings['scheduler.slots']) {
    const message = `scheduler.max_rows (${settings['scheduler.max_rows']}) must be at least scheduler.slots`
    throw new SettingsError('CONFLICT', `${message} (${settings['scheduler.slots']})`)
  }
}
