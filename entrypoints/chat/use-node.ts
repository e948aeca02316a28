import { useEffect, useState } from 'react'
import { ChatError, type ChatSource, type NodeFacts } from './source/chat-source.ts'

export interface NodeState {
  readonly facts: NodeFacts | null
  readonly problem: 'gone' | 'key' | 'failed' | null
}

const EVERY_MS = 4000

/** Asks the Oracle how it is, every few seconds while the page is looked at. */
export function useNode(source: ChatSource, apiKey: string): NodeState {
  const [state, setState] = useState<NodeState>({ facts: null, problem: null })
  // biome-ignore lint/correctness/useExhaustiveDependencies: a new key is a reason to ask again at once
  useEffect(() => {
    const over = new AbortController()
    let timer: ReturnType<typeof setTimeout>
    const look = async () => {
      if (!document.hidden) {
        try {
          setState({ facts: await source.node(over.signal), problem: null })
        } catch (error) {
          if (over.signal.aborted) return
          const kind = error instanceof ChatError ? error.kind : 'failed'
          const problem = kind === 'gone' || kind === 'key' ? kind : 'failed'
          setState((before) => ({ facts: before.facts, problem }))
        }
      }
      timer = setTimeout(look, EVERY_MS)
    }
    void look()
    const seen = () => {
      if (document.hidden) return
      clearTimeout(timer)
      void look()
    }
    document.addEventListener('visibilitychange', seen)
    return () => {
      over.abort()
      clearTimeout(timer)
      document.removeEventListener('visibilitychange', seen)
    }
  }, [source, apiKey])
  return state
}
