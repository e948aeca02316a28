import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { readable } from '../../../native-host/daemon/logger.ts'
import { homeFolders } from '../../../native-host/settings/home.ts'
import { isLoopback, loadSettings } from '../../../native-host/settings/load.ts'
import { environmentName, flagName, nearestKey, SHORT_FLAGS } from '../../../native-host/settings/names.ts'
import { factsOf, SETTING_KEYS, settingsSchema } from '../../../native-host/settings/schema.ts'
import { settingsTable } from '../../../native-host/settings/table.ts'

let home: string
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'shard-settings-'))
})
afterEach(() => rmSync(home, { recursive: true }))

const load = ({
  file,
  env = {},
  flags = {},
}: {
  file?: unknown
  env?: Record<string, string>
  flags?: object
} = {}) => {
  if (file !== undefined)
    writeFileSync(join(home, 'settings.json'), typeof file === 'string' ? file : JSON.stringify(file))
  return loadSettings({ env: { SHARD_HOME: home, ...env }, flags: new Map(Object.entries(flags)) })
}

describe('settings', () => {
  it('has a default, a meaning and an allowed range for every key', () => {
    const { settings, sources } = load()
    expect(SETTING_KEYS.length).toBeGreaterThan(30)
    expect(sources.size).toBe(0)
    for (const key of SETTING_KEYS) {
      expect(settings[key], key).toBeDefined()
      expect(factsOf(key).meaning.length, key).toBeGreaterThan(10)
      expect(settingsSchema.shape[key].safeParse(settings[key]).success, key).toBe(true)
    }
    expect(settings).toMatchObject({ 'api.port': 8080, 'mesh.scope': 'own', 'scheduler.slots': 4 })
  })

  it('derives distinct environment names and flags', () => {
    expect(environmentName('engine.pace_ms')).toBe('SHARD_ENGINE_PACE_MS')
    expect(flagName('engine.pace_ms')).toBe('--engine-pace-ms')
    expect(new Set(SETTING_KEYS.map(environmentName)).size).toBe(SETTING_KEYS.length)
    const flags = [...SETTING_KEYS.map(flagName), ...Object.keys(SHORT_FLAGS)]
    expect(new Set(flags).size).toBe(flags.length)
  })

  it('lets flags win over the environment, that over the file, that over defaults', () => {
    const file = { api: { port: 1001, host: '127.0.0.2' }, 'engine.pace_ms': 5, mesh: { paired: ['a', 'b'] } }
    const env = { SHARD_API_PORT: '1002', SHARD_ENGINE_PACE_MS: '6', SHARD_MESH_BOOTSTRAP: '/a, /b' }
    const { settings, sources } = load({ file, env, flags: { '--pace': '7' } })
    expect(settings['api.host']).toBe('127.0.0.2')
    expect(settings['api.port']).toBe(1002)
    expect(settings['engine.pace_ms']).toBe(7)
    expect(settings['mesh.paired']).toEqual(['a', 'b'])
    expect(settings['mesh.bootstrap']).toEqual(['/a', '/b'])
    expect(sources.get('api.host')).toBe(join(home, 'settings.json'))
    expect(sources.get('api.port')).toBe('environment SHARD_API_PORT')
    expect(sources.get('engine.pace_ms')).toBe('flag --pace')
  })

  it.each([
    ['an unknown key in the file', { file: { api: { prot: 1 } } }, /api\.prot .*settings\.json.*api\.port/],
    ['a group that is too deep', { file: { api: { port: { x: 1 } } } }, /api\.port .*whole number/],
    ['an unknown variable', { env: { SHARD_ENGINE_PACE: '3' } }, /SHARD_ENGINE_PACE .*engine\.pace_ms/],
    ['an unknown flag', { flags: { '--api-prot': '3' } }, /--api-prot .*command line.*api\.port/],
    [
      'a port out of range',
      { env: { SHARD_API_PORT: '70000' } },
      /api\.port \(environment SHARD_API_PORT\).*0 to 65535.*70000/,
    ],
    ['a fraction', { file: { 'api.port': 1.5 } }, /api\.port .*whole number.*1\.5/],
    ['a number as text in the file', { file: { 'api.port': '8080' } }, /api\.port .*whole number/],
    ['hexadecimal', { env: { SHARD_API_PORT: '0x10' } }, /api\.port/],
    [
      'a wrong choice',
      { flags: { '--engine-kind': 'fast' } },
      /engine\.kind .*auto, native, reference.*fast/,
    ],
    ['a wrong boolean', { env: { SHARD_MESH_ENABLED: 'maybe' } }, /mesh\.enabled .*true or false/],
    ['null', { file: { 'log.level': null } }, /log\.level/],
    ['no JSON', { file: '{"api":' }, /settings\.json is no JSON/],
    ['an array', { file: [] }, /JSON object/],
    ['a public address without a key', { flags: { '--host': '0.0.0.0' } }, /api\.key/],
    ['fewer rows than slots', { file: { 'scheduler.max_rows': 2 } }, /max_rows .*slots/],
  ])('refuses %s and says what is allowed', (_, input, message) => {
    expect(() => load(input)).toThrow(message)
  })

  it('never shows a secret', () => {
    const loaded = load({ env: { SHARD_API_KEY: 'hush' } })
    expect(settingsTable(loaded)).not.toContain('hush')
    expect(settingsTable(loaded)).toMatch(/api\.key +\(set\) +environment SHARD_API_KEY/)
    expect(() => load({ file: { 'api.key': ['hush'] } })).toThrow(/^(?!.*hush)/)
  })

  it('leaves variables alone that are no settings', () => {
    expect(load({ env: { SHARD_TEST_BROWSER: 'x', SHARDS: '1' } }).sources.size).toBe(0)
  })

  it('prints a line for every key', () => {
    const lines = settingsTable(load({ flags: { '--pace': '60' } }))
      .trimEnd()
      .split('\n')
    expect(lines.length).toBe(SETTING_KEYS.length + 1)
    expect(lines.find((line) => line.startsWith('engine.pace_ms'))).toMatch(/60 ms +flag --pace/)
  })

  it('finds the nearest key', () => {
    expect(nearestKey('engine.treads')).toBe('engine.threads')
    expect(nearestKey('zzzzzzzzzz')).toBeNull()
  })

  it('keeps everything under SHARD_HOME', () => {
    const { config, data, cache } = homeFolders({ SHARD_HOME: home })
    for (const path of [config, data, cache]) expect(path.startsWith(home)).toBe(true)
    expect(homeFolders({}).config).not.toContain(home)
  })

  it('knows loopback addresses', () => {
    for (const host of ['127.0.0.1', '127.8.8.8', 'localhost', '::1'])
      expect(isLoopback(host), host).toBe(true)
    for (const host of ['0.0.0.0', '10.0.0.1', 'example.com', '127.0.0.1.evil.com', '::'])
      expect(isLoopback(host), host).toBe(false)
  })
})

describe('log lines for people', () => {
  it('are short and say the same', () => {
    const line = readable(
      JSON.stringify({
        level: 'warn',
        time: 0,
        name: 'shard',
        pid: 1,
        msg: 'engine',
        state: 'failed',
        n: 3,
        long: 'x'.repeat(500),
      }),
    )
    expect(line).toMatch(/^\d\d:\d\d:\d\d warn {2}shard: engine {2}state=failed n=3 long=x{100}…\n$/)
  })
})
