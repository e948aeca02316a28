import { describe, expect, it } from 'vitest'
import { formFields } from '../../../entrypoints/options/form-field.ts'
import {
  DEFAULT_SETTINGS,
  factsOf,
  readSettings,
  type SettingKey,
  settingsSchema,
} from '../../../entrypoints/options/settings.ts'

describe('the settings form', () => {
  it('has every setting but the one that nobody sets', () => {
    const shown = formFields().map(({ key }) => key)
    const all = Object.keys(settingsSchema.shape) as SettingKey[]
    expect(all.filter((key) => !shown.includes(key))).toEqual(['introduced'])
  })

  it('has the control that each type asks for', () => {
    const controls = Object.fromEntries(formFields().map(({ key, control }) => [key, control]))
    expect(controls).toEqual({
      scoutMode: { kind: 'switch' },
      oracles: { kind: 'oracles' },
      scope: { kind: 'choice', options: ['own', 'swarm'] },
      gpuShare: { kind: 'range', min: 10, max: 100 },
      onlyOnPower: { kind: 'switch' },
      window: { kind: 'range', min: 1, max: 64 },
      model: { kind: 'choice', options: ['embedded'] },
      beside: { kind: 'choice', options: ['rest', 'draft'] },
    })
  })

  it('has words for every choice, and a warning where one can hurt', () => {
    for (const { facts, control } of formFields()) {
      expect(facts.label && facts.help).toBeTruthy()
      if (control.kind === 'choice') expect(Object.keys(facts.choices ?? {})).toEqual(control.options)
    }
    expect(factsOf('scope')?.notes?.swarm?.tone).toBe('warning')
    expect(factsOf('beside')?.notes?.draft?.tone).toBe('warning')
  })
})

describe('stored settings', () => {
  it('are read one by one: a damaged one falls back to its default', () => {
    expect(readSettings({})).toEqual(DEFAULT_SETTINGS)
    const stored = {
      scoutMode: true,
      gpuShare: 400,
      window: 8,
      scope: 'everybody',
      oracles: [{ addresses: [] }],
    }
    expect(readSettings(stored)).toEqual({ ...DEFAULT_SETTINGS, scoutMode: true, window: 8 })
  })
})
