import type { LoadProgress } from '../background/state.ts'

/** One bar for the whole load; without a number until there is one. */
export function LoadBar({ loading }: { readonly loading: LoadProgress | null }) {
  return (
    <progress
      className="load-bar"
      aria-label="Loading the draft model"
      max={1}
      {...(loading && { value: loading.fraction })}
    />
  )
}
