import { useEffect, useState } from 'react'
import { CopyIcon } from '../chat/components/icons.tsx'

/** Its key is kept, so its peer id stays the same; it is known once its node has run. */
const KEY = 'shard.peer-id'

/** This Scout's own peer id, for an Oracle's owner who pairs it by hand. */
export function ThisScout({ peerId }: { readonly peerId: string | null }) {
  const [isCopied, setCopied] = useState(false)
  useEffect(() => {
    if (peerId) localStorage.setItem(KEY, peerId)
  }, [peerId])
  const known = peerId ?? localStorage.getItem(KEY)
  const copy = async () => {
    await navigator.clipboard.writeText(known ?? '')
    setCopied(true)
    setTimeout(() => setCopied(false), 2000)
  }
  return (
    <div className="row this-scout">
      <div>
        <span className="row-name">Peer id</span>
        <p className="hint">
          {known
            ? 'Without an invitation, the owner of an Oracle can pair this Scout by it.'
            : 'Turn on Scout Mode once, and it is shown here.'}
        </p>
        {known && <code className="peer-id">{known}</code>}
      </div>
      {known && (
        <button type="button" className="button" onClick={() => void copy().catch(() => {})}>
          <CopyIcon /> {isCopied ? 'Copied' : 'Copy peer id'}
        </button>
      )}
    </div>
  )
}
