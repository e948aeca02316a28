import { type Command, Option } from 'commander'
import { flagName, type ShortFlags } from '../settings/names.ts'
import { factsOf, SETTING_KEYS, type SettingKey } from '../settings/schema.ts'

/**
 * Adds the settings as flags to a command; what is given is collected as text, for the settings' own parser.
 * @param keys which; all by default
 * @returns flags by name, filled when the command line is parsed
 */
export function addSettingOptions(
  command: Command,
  short: ShortFlags,
  keys: readonly SettingKey[] = SETTING_KEYS,
): ReadonlyMap<string, string> {
  const flags = new Map<string, string>()
  for (const [flag, key] of Object.entries(short)) {
    command.addOption(option(flags, flag, key).helpGroup('Most used:'))
  }
  for (const key of keys) {
    const group = key.slice(0, key.indexOf('.'))
    command.addOption(option(flags, flagName(key), key).helpGroup(`Settings of ${group}:`))
  }
  return flags
}

function option(flags: Map<string, string>, flag: string, key: SettingKey): Option {
  const { kind, unit, meaning, allowed } = factsOf(key)
  const value = kind === 'boolean' ? '[true|false]' : kind === 'choice' ? '<choice>' : `<${unit || kind}>`
  const choices = kind === 'choice' ? ` (${allowed.replace('one of ', '')})` : ''
  return new Option(`${flag} ${value}`, meaning + choices).preset('true').argParser((text: string) => {
    const before = flags.get(flag)
    // Lists may be given one by one.
    flags.set(flag, kind === 'list' && before !== undefined ? `${before},${text}` : text)
    return text
  })
}
