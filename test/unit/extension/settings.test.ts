import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  type HostState,
  hasLocalOracle,
  NO_HOST,
  shouldDraft,
} from '../../../entrypoints/background/state.ts'
import {
  DEFAULT_SETTINGS,
  factsOf,
  readSettings,
  type SettingKey,
  settingsSchema,
} from '../../../entrypoints/options/settings.ts'

describe('settings of the extension', () => {
  it('fall back to their defaults one by one where what is stored is damaged', () => {
    expect(readSettings({})).toEqual(DEFAULT_SETTINGS)
    const stored = {
      gpuShare: 40,
      window: 'many',
      scope: 'everybody',
      oracles: [{ addresses: [] }],
      scoutMode: true,
    }
    expect(readSettings(stored)).toEqual({ ...DEFAULT_SETTINGS, gpuShare: 40, scoutMode: true })
  })

  it('are always whole, whatever is stored', () => {
    fc.assert(
      fc.property(
        fc.dictionary(fc.constantFrom(...Object.keys(DEFAULT_SETTINGS)), fc.anything()),
        (stored) => {
          expect(settingsSchema.safeParse(readSettings(stored)).success).toBe(true)
        },
      ),
    )
  })

  it('have words for every one that a form shows', () => {
    for (const key of Object.keys(DEFAULT_SETTINGS) as SettingKey[]) {
      if (key !== 'introduced') expect(factsOf(key)?.label, key).toBeTruthy()
    }
  })
})

describe('who drafts', () => {
  const running = {
    state: 'running' as const,
    pid: 1,
    version: '0.1.0',
    engine: { state: 'ready' as const, kind: 'native', kernel: 'avx2', why: '' },
    model: null,
    load: { slots: 4, running: 0, queued: 0 },
    memory: { ram_bytes: 1, vram_bytes: 0 },
  }
  const local: HostState = {
    ...NO_HOST,
    port: 'open',
    daemon: running,
    api: { url: 'http://127.0.0.1:1', token: 't', multiaddrs: [] },
  }
  const on = { ...DEFAULT_SETTINGS, scoutMode: true }

  it('is this browser, unless a local Oracle answers or Scout Mode is off', () => {
    expect(shouldDraft(DEFAULT_SETTINGS, NO_HOST)).toBe(false)
    expect(shouldDraft(on, NO_HOST)).toBe(true)
    expect(shouldDraft(on, local)).toBe(false)
    expect(shouldDraft({ ...on, beside: 'draft' }, local)).toBe(true)
    expect(shouldDraft({ ...DEFAULT_SETTINGS, beside: 'draft' }, local)).toBe(false)
  })

  it.each([
    ['it is not attached', { ...local, api: null }],
    ['its daemon only starts', { ...local, daemon: { state: 'starting' as const } }],
    [
      'its engine has failed',
      { ...local, daemon: { ...running, engine: { ...running.engine, state: 'failed' as const } } },
    ],
    [
      'it was stopped',
      {
        ...local,
        daemon: { state: 'stopped' as const, startable: true, cause: 'stopped' as const, why: '' },
      },
    ],
  ])('is this browser when %s', (_why, host) => {
    expect(hasLocalOracle(host)).toBe(false)
    expect(shouldDraft(on, host)).toBe(true)
  })
})
