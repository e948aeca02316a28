import { useState } from 'react'
import { CopyIcon } from '../chat/components/icons.tsx'

/** This Scout's own peer id, for an Oracle's owner who pairs it by hand. */
export function ThisScout({ peerId }: { readonly peerId: string | null }) {
  const [isCopied, setCopied] = useState(false)
  const copy = async () => {
    await navigator.clipboard.writeText(peerId ?? '')
    setCopied(true)
    setTimeout(() => setCopied(false), 2000)
  }
  return (
    <div className="row this-scout">
      <div>
        <span className="row-name">Peer id</span>
        <p className="hint">
          {peerId
            ? 'Without an invitation, the owner of an Oracle can pair this Scout by it.'
            : 'Turn on Scout Mode once, and it is shown here.'}
        </p>
        {peerId && <code className="peer-id">{peerId}</code>}
      </div>
      {peerId && (
        <button type="button" className="button" onClick={() => void copy().catch(() => {})}>
          <CopyIcon /> {isCopied ? 'Copied' : 'Copy peer id'}
        </button>
      )}
    </div>
  )
}
