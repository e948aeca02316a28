import type { ReactNode } from 'react'
import type { Description } from '../pages/describe.ts'

interface Props {
  readonly status: Description
  /** What belongs between the state and the advice. */
  readonly children: ReactNode
}

/** The state: a coloured dot, and the same in words. */
export function StatusText({ status, children }: Props) {
  return (
    <div className="status">
      <span className="dot" data-tone={status.tone} />
      <div>
        <h2 className="status-title">{status.title}</h2>
        <p className="status-detail">{status.detail}</p>
        {children}
        {status.help && <p className="hint">{status.help}</p>}
      </div>
    </div>
  )
}
