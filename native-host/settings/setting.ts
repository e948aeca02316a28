import { z } from 'zod'
import { parseKeepAlive } from '../targets/keep-alive.ts'

/** What a person needs to know about one setting beside its type and default. */
export interface SettingFacts {
  /** How text (environment, flags) becomes a value. */
  readonly kind: 'integer' | 'boolean' | 'choice' | 'text' | 'list' | 'duration'
  /** `ms`, `tokens`, …; empty where the value has none. */
  readonly unit: string
  readonly meaning: string
  /** The values that are taken, in words. */
  readonly allowed: string
  /** Never printed. */
  readonly secret?: boolean
}

export const settingFacts = z.registry<SettingFacts>()

interface About {
  readonly unit?: string
  readonly meaning: string
  readonly secret?: boolean
}

const LONGEST_TEXT = 4096
/** Addresses and peer ids are listed by hand; more is a mistake. */
const LONGEST_LIST = 256

export function integer(fallback: number, min: number, max: number, about: About) {
  const allowed = `a whole number from ${min} to ${max}`
  const facts = { kind: 'integer', unit: '', allowed, ...about } as const
  return z.int().min(min).max(max).default(fallback).register(settingFacts, facts)
}

export function flag(fallback: boolean, about: About) {
  const facts = { kind: 'boolean', unit: '', allowed: 'true or false', ...about } as const
  return z.boolean().default(fallback).register(settingFacts, facts)
}

export function choice<const T extends readonly [string, ...string[]]>(
  fallback: T[number],
  values: T,
  about: About,
) {
  const facts = { kind: 'choice', unit: '', allowed: `one of ${values.join(', ')}`, ...about } as const
  return z.enum(values).default(fallback).register(settingFacts, facts)
}

export function text(fallback: string, about: About) {
  const facts = {
    kind: 'text',
    unit: '',
    allowed: `text of at most ${LONGEST_TEXT} characters`,
    ...about,
  } as const
  return z.string().max(LONGEST_TEXT).default(fallback).register(settingFacts, facts)
}

/** How long something stays: kept as it was written, for tables to show. */
export function duration(fallback: string, about: About) {
  const facts = {
    kind: 'duration',
    unit: '',
    allowed: 'a number of seconds, or a duration such as 5m or 1h30m; 0 = not at all, negative = for ever',
    ...about,
  } as const
  return z
    .union([z.string(), z.number()])
    .refine((value) => parseKeepAlive(value) !== null)
    .default(fallback)
    .register(settingFacts, facts)
}

export function list(about: About) {
  const allowed = `a list of at most ${LONGEST_LIST} texts (separated by commas in the environment and in flags)`
  const facts = { kind: 'list', unit: '', allowed, ...about } as const
  return z
    .array(z.string().min(1).max(LONGEST_TEXT))
    .max(LONGEST_LIST)
    .readonly()
    .default([])
    .register(settingFacts, facts)
}
