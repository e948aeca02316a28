import { useEffect } from 'react'
import type { ScoutState } from '../background/state.ts'

const KEY = 'shard.peer-id'

/** This Scout's peer id. Its key is kept, so it stays the same: once seen it is known, whether the node runs or not. */
export function usePeerId({ scout }: ScoutState): string | null {
  const peerId = scout?.peerId ?? null
  useEffect(() => {
    if (peerId !== null) localStorage.setItem(KEY, peerId)
  }, [peerId])
  return peerId ?? localStorage.getItem(KEY)
}
