import { useEffect, useState } from 'react'

/** States that pass by sooner are not worth saying. */
const SETTLE_MS = 700

/** For screen readers: says a text when it has changed and stayed. */
export function LiveRegion({ text }: { readonly text: string }) {
  const [said, setSaid] = useState('')
  useEffect(() => {
    const timer = setTimeout(() => setSaid(text), SETTLE_MS)
    return () => clearTimeout(timer)
  }, [text])
  return (
    <p className="sr-only" role="status">
      {said}
    </p>
  )
}
