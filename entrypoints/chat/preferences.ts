import type { Theme } from './theme.ts'

/** What the reader chose; kept in this browser. */
export interface Preferences {
  readonly theme: Theme
  /** Id of a model; null: the one that is loaded. */
  readonly model: string | null
  readonly temperature: number
  /** null: as far as the context reaches. */
  readonly maxTokens: number | null
  /** Digits of a 64-bit integer; null: another one for every answer. */
  readonly seed: string | null
  /** Narrows who may see a prompt; null: what the Oracle allows. */
  readonly scope: 'none' | 'own' | null
  readonly apiKey: string
}

export const DEFAULTS: Preferences = {
  theme: 'system',
  model: null,
  temperature: 0.8,
  maxTokens: 400,
  seed: null,
  scope: null,
  apiKey: '',
}

const KEY = 'shard.preferences'

export function readPreferences(): Preferences {
  try {
    const stored: unknown = JSON.parse(localStorage.getItem(KEY) ?? '{}')
    return { ...DEFAULTS, ...checked(stored) }
  } catch {
    return DEFAULTS
  }
}

export function writePreferences(preferences: Preferences): void {
  localStorage.setItem(KEY, JSON.stringify(preferences))
}

/** Only what is of its kind: an older page may have stored something else. */
function checked(stored: unknown): Partial<Preferences> {
  const { theme, model, temperature, maxTokens, seed, scope, apiKey } = (stored ?? {}) as Record<
    string,
    unknown
  >
  return {
    ...(theme === 'system' || theme === 'light' || theme === 'dark' ? { theme } : {}),
    ...(model === null || typeof model === 'string' ? { model } : {}),
    ...(typeof temperature === 'number' && temperature >= 0 && temperature <= 2 ? { temperature } : {}),
    ...(maxTokens === null || (typeof maxTokens === 'number' && maxTokens >= 1) ? { maxTokens } : {}),
    ...(seed === null || (typeof seed === 'string' && isSeed(seed)) ? { seed } : {}),
    ...(scope === null || scope === 'none' || scope === 'own' ? { scope } : {}),
    ...(typeof apiKey === 'string' ? { apiKey } : {}),
  }
}

export function isSeed(text: string): boolean {
  if (!/^-?\d{1,20}$/.test(text)) return false
  const value = BigInt(text)
  return value >= -(2n ** 63n) && value < 2n ** 64n
}
