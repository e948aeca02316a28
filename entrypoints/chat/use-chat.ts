import { useCallback, useEffect, useRef, useState } from 'react'
import { afterError, afterEvent, afterStop, newAnswer } from './history/answer-progress.ts'
import { type Answer, type Conversation, titleFrom, turnsOf } from './history/conversation.ts'
import type { ConversationStore } from './history/conversation-store.ts'
import type { AskOptions, ChatSource } from './source/chat-source.ts'

export interface Chat {
  readonly conversations: readonly Conversation[]
  readonly current: Conversation | null
  /** The conversation in which an answer is being written. */
  readonly writing: string | null
  /** False until the history has been read. */
  readonly loaded: boolean
  ask(question: string): void
  /** Asks the last question again. */
  retry(): void
  stop(): void
  open(id: string | null): void
  remove(id: string): void
}

/** While an answer comes it is stored this often, so that a reload keeps most of it. */
const STORE_EVERY_MS = 1000

/** The state of the page: conversations, the open one, and the answer that is being written. */
export function useChat(source: ChatSource, store: ConversationStore, options: AskOptions): Chat {
  const [conversations, setConversations] = useState<readonly Conversation[]>([])
  const [currentId, setCurrentId] = useState<string | null>(null)
  const [writing, setWriting] = useState<string | null>(null)
  const [loaded, setLoaded] = useState(false)
  const abort = useRef<AbortController | null>(null)
  /** Deleted conversations: an answer that was being written in one must not bring it back. */
  const removed = useRef(new Set<string>())
  const current = conversations.find(({ id }) => id === currentId) ?? null

  useEffect(() => {
    store
      .list()
      .then((found) => {
        // Somebody may have asked before the history was read.
        setConversations((begun) => [
          ...begun,
          ...found.filter(({ id }) => begun.every((other) => other.id !== id)),
        ])
        setCurrentId((id) => id ?? found[0]?.id ?? null)
      })
      // Private windows may have no storage: the chat works, the history ends with the page.
      .catch((error) => console.warn('the history cannot be read', error))
      .finally(() => setLoaded(true))
  }, [store])

  const put = useCallback((conversation: Conversation) => {
    if (removed.current.has(conversation.id)) return
    setConversations((all) => [conversation, ...all.filter(({ id }) => id !== conversation.id)])
  }, [])

  const write = useCallback(
    async (asked: Conversation) => {
      const controller = new AbortController()
      abort.current = controller
      setWriting(asked.id)
      let answer: Answer = newAnswer(crypto.randomUUID())
      const conversation = () => ({ ...asked, updatedAt: Date.now(), messages: [...asked.messages, answer] })
      const keep = async () => {
        if (removed.current.has(asked.id)) return
        await store.save(conversation()).catch((error) => console.warn('not stored', error))
      }
      const paint = frameBatch(() => put(conversation()))
      put(conversation())
      await keep()
      let firstAt = 0
      let storedAt = performance.now()
      try {
        for await (const event of source.ask(turnsOf(asked.messages), options, controller.signal)) {
          const now = performance.now()
          if (event.type === 'pieces') firstAt ||= now
          answer = afterEvent(answer, event, firstAt ? now - firstAt : 0)
          paint.soon()
          if (now - storedAt > STORE_EVERY_MS) {
            storedAt = now
            void keep()
          }
        }
      } catch (error) {
        answer = controller.signal.aborted ? afterStop(answer) : afterError(answer, error)
      }
      paint.now()
      if (abort.current === controller) {
        abort.current = null
        setWriting(null)
      }
      await keep()
    },
    [source, store, options, put],
  )

  return {
    conversations,
    current,
    writing,
    loaded,
    ask(question) {
      if (abort.current) return
      const base = current ?? { id: crypto.randomUUID(), title: titleFrom(question), messages: [] }
      const message = { id: crypto.randomUUID(), role: 'user' as const, text: question }
      setCurrentId(base.id)
      void write({ ...base, updatedAt: Date.now(), messages: [...base.messages, message] })
    },
    retry() {
      if (abort.current || !current) return
      const last = current.messages.findLastIndex(({ role }) => role === 'user')
      if (last >= 0) void write({ ...current, messages: current.messages.slice(0, last + 1) })
    },
    stop: () => abort.current?.abort(),
    open: setCurrentId,
    remove(id) {
      removed.current.add(id)
      if (writing === id) abort.current?.abort()
      // Off the list once it is gone for good.
      store
        .delete(id)
        .catch((error) => console.warn('not deleted', error))
        .finally(() => {
          setConversations((all) => all.filter((conversation) => conversation.id !== id))
          setCurrentId((open) => (open === id ? null : open))
        })
    },
  }
}

/** Tokens may come faster than frames: at most one paint a frame, and one when it is over. */
function frameBatch(paint: () => void) {
  let frame: number | null = null
  return {
    soon() {
      frame ??= requestAnimationFrame(() => {
        frame = null
        paint()
      })
    },
    now() {
      if (frame !== null) cancelAnimationFrame(frame)
      paint()
    },
  }
}
