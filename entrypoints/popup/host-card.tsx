import { useEffect, useState } from 'react'
import type { HostDescription } from '../pages/describe-host.ts'

interface Props {
  readonly host: HostDescription
  readonly onStart: () => void
}

/** The native host of this computer, where it does not answer prompts yet. */
export function HostCard({ host, onStart }: Props) {
  const [isAsked, setAsked] = useState(false)
  // biome-ignore lint/correctness/useExhaustiveDependencies: news of any kind is the answer
  useEffect(() => setAsked(false), [host.state, host.title, host.detail])
  return (
    <section className="card host" aria-label="Local Oracle" data-host={host.state}>
      <div>
        <h2 className="status-title">{host.title}</h2>
        <p className="status-detail">{host.detail}</p>
        {host.help && <p className="hint">{host.help}</p>}
      </div>
      {host.action && (
        <button
          type="button"
          className="button"
          disabled={isAsked}
          onClick={() => {
            setAsked(true)
            onStart()
          }}
        >
          {isAsked ? 'One moment…' : host.action}
        </button>
      )}
    </section>
  )
}
