import { z } from 'zod'
import { factsOf, type SettingFacts, type SettingKey, settingsSchema } from './settings.ts'

type Control =
  | { readonly kind: 'switch' }
  | { readonly kind: 'range'; readonly min: number; readonly max: number }
  | { readonly kind: 'choice'; readonly options: readonly string[] }
  | { readonly kind: 'oracles' }

export interface FormField {
  readonly key: SettingKey
  readonly facts: SettingFacts
  readonly control: Control
}

/** The form, read off the schema: every setting that has words for a form, in the schema's order. */
export function formFields(): FormField[] {
  return (Object.keys(settingsSchema.shape) as SettingKey[]).flatMap((key) => {
    const facts = factsOf(key)
    return facts ? [{ key, facts, control: controlFor(key) }] : []
  })
}

function controlFor(key: SettingKey): Control {
  const type = settingsSchema.shape[key].unwrap()
  if (type instanceof z.ZodBoolean) return { kind: 'switch' }
  if (type instanceof z.ZodEnum) return { kind: 'choice', options: type.options.map(String) }
  if (type instanceof z.ZodArray) return { kind: 'oracles' }
  if (type instanceof z.ZodNumber && type.minValue !== null && type.maxValue !== null)
    return { kind: 'range', min: type.minValue, max: type.maxValue }
  throw new TypeError(`the form has no control for the setting ${key}`)
}
