import { useEffect, useState } from 'react'
import { ChatError, type ChatErrorKind, type ChatSource, type NodeFacts } from './source/chat-source.ts'

export interface NodeState {
  readonly facts: NodeFacts | null
  readonly problem: ChatErrorKind | null
}

/** Asks the Oracle how it is, every few seconds while the page is looked at, and at once when another one answers. */
export function useNode(source: ChatSource, apiKey: string): NodeState {
  const [state, setState] = useState<NodeState>({ facts: null, problem: null })
  // biome-ignore lint/correctness/useExhaustiveDependencies: a new key is a reason to ask again at once
  useEffect(() => {
    let current = new AbortController()
    let timer: ReturnType<typeof setTimeout>
    /** A look that is begun makes the one before it worth nothing. */
    const look = async () => {
      current.abort()
      clearTimeout(timer)
      if (document.hidden) return
      current = new AbortController()
      const { signal } = current
      try {
        const facts = await source.node(signal)
        if (!signal.aborted) setState({ facts, problem: null })
      } catch (error) {
        const problem = error instanceof ChatError ? error.kind : 'failed'
        if (!signal.aborted) setState((before) => ({ facts: before.facts, problem }))
      }
      if (!signal.aborted) timer = setTimeout(look, source.lookEveryMs)
    }
    const lookNow = () => void look()
    lookNow()
    document.addEventListener('visibilitychange', lookNow)
    const leave = source.onChange?.(lookNow)
    return () => {
      current.abort()
      clearTimeout(timer)
      leave?.()
      document.removeEventListener('visibilitychange', lookNow)
    }
  }, [source, apiKey])
  return state
}
