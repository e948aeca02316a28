import { environmentName, flagName, nearestKey, SHORT_FLAGS, type ShortFlags } from './names.ts'
import { factsOf, isSettingKey, SETTING_KEYS, type SettingKey, settingsSchema } from './schema.ts'
import { SettingsError } from './settings-error.ts'

/** Raw values by key, each with the place it came from, in words. */
export type RawSettings = Map<SettingKey, { readonly value: unknown; readonly source: string }>

/** Prefixes of environment variables that must be settings: SHARD_ENGINE_… and so on. */
const GROUPS = new Set(SETTING_KEYS.map((key) => `SHARD_${key.slice(0, key.indexOf('.')).toUpperCase()}_`))

export function fromFile(json: string, path: string): RawSettings {
  let parsed: unknown
  try {
    parsed = JSON.parse(json)
  } catch (cause) {
    throw new SettingsError('FILE_INVALID', `${path} is no JSON: ${(cause as Error).message}`, { cause })
  }
  if (!isPlainObject(parsed)) throw new SettingsError('FILE_INVALID', `${path} must hold a JSON object`)
  const found: RawSettings = new Map()
  for (const [key, value] of flatten(parsed)) {
    if (!isSettingKey(key)) throw unknown(key, path)
    found.set(key, { value: checked(key, value, path), source: path })
  }
  return found
}

export function fromEnvironment(env: NodeJS.ProcessEnv): RawSettings {
  const byName = new Map(SETTING_KEYS.map((key) => [environmentName(key), key]))
  const found: RawSettings = new Map()
  for (const [name, text] of Object.entries(env)) {
    if (text === undefined || text === '') continue
    const key = byName.get(name)
    const source = `environment ${name}`
    if (key) found.set(key, { value: checked(key, fromText(key, text), source), source })
    else if (GROUPS.has(name.slice(0, name.indexOf('_', 6) + 1))) throw unknown(name, 'the environment')
  }
  return found
}

/** @param flags as given: `--api-port` or a short form → its text */
export function fromFlags(flags: ReadonlyMap<string, string>, short: ShortFlags = SHORT_FLAGS): RawSettings {
  const byName = new Map(SETTING_KEYS.map((key) => [flagName(key), key]))
  const found: RawSettings = new Map()
  for (const [name, text] of flags) {
    const key = short[name] ?? byName.get(name)
    if (!key) throw unknown(name, 'the command line')
    const source = `flag ${name}`
    found.set(key, { value: checked(key, fromText(key, text), source), source })
  }
  return found
}

function checked(key: SettingKey, value: unknown, source: string): unknown {
  const result = settingsSchema.shape[key].safeParse(value)
  if (result.success && value !== undefined) return result.data
  const { allowed, secret } = factsOf(key)
  const came = secret ? '' : `, not ${JSON.stringify(value)}`
  throw new SettingsError('BAD_VALUE', `${key} (${source}) must be ${allowed}${came}`)
}

/** Text as a value of the setting's kind; left as text where it is none, for the schema to refuse. */
function fromText(key: SettingKey, text: string): unknown {
  const { kind } = factsOf(key)
  if (kind === 'integer') return /^-?\d{1,15}$/.test(text.trim()) ? Number(text) : text
  if (kind === 'boolean') return { true: true, false: false, 1: true, 0: false }[text.toLowerCase()] ?? text
  if (kind === 'list')
    return text
      .split(',')
      .map((part) => part.trim())
      .filter(Boolean)
  return text
}

function unknown(name: string, source: string): SettingsError {
  const near = nearestKey(name)
  const hint = near ? `did you mean ${near}?` : '`shard settings` lists all'
  return new SettingsError('UNKNOWN_KEY', `no setting is called ${name} (${source}); ${hint}`)
}

/** `{ api: { port: 1 } }` and `{ 'api.port': 1 }` alike. */
function* flatten(object: Record<string, unknown>, prefix = ''): Generator<[string, unknown]> {
  for (const [name, value] of Object.entries(object)) {
    const key = prefix + name
    if (isPlainObject(value) && !isSettingKey(key)) {
      // Groups are one deep: what lies deeper is no setting, and is named as such.
      if (prefix) yield [key, value]
      else yield* flatten(value, `${key}.`)
    } else yield [key, value]
  }
}

function isPlainObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
