import { useEffect, useState } from 'react'
import type { SettingKey } from './settings.ts'

/** What is said beside a setting after it was changed. */
export interface Saving {
  readonly key: SettingKey | 'reset'
  readonly ok: boolean
  readonly text: string
  /** Tells one change from the next. */
  readonly at: number
}

const SHOWN_MS = 2500

export type Save = (key: Saving['key'], store: () => Promise<void>) => Promise<void>

/** Saves at once, and says so for a moment; a failure stays in sight. */
export function useSaving(): { saving: Saving | null; save: Save } {
  const [saving, setSaving] = useState<Saving | null>(null)
  useEffect(() => {
    if (!saving?.ok) return
    const timer = setTimeout(() => setSaving(null), SHOWN_MS)
    return () => clearTimeout(timer)
  }, [saving])
  const save: Save = async (key, store) => {
    try {
      await store()
      setSaving({ key, ok: true, text: 'Saved', at: performance.now() })
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
      setSaving({ key, ok: false, text: `Not saved: ${reason}`, at: performance.now() })
    }
  }
  return { saving, save }
}
