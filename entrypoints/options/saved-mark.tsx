import type { Saving } from './use-saving.ts'

/** The word beside a setting that was just saved, or was not. */
export function SavedMark({ saving }: { readonly saving: Saving | null }) {
  if (!saving) return null
  return (
    <span key={saving.at} className="saved" data-bad={!saving.ok} aria-hidden="true">
      {saving.text}
    </span>
  )
}
