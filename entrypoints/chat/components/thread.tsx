import { useEffect, useLayoutEffect, useRef } from 'react'
import type { Conversation } from '../history/conversation.ts'
import { MessageView } from './message-view.tsx'

interface Props {
  readonly conversation: Conversation
  readonly busy: boolean
  readonly onAction: (action: 'retry' | 'new' | 'settings') => void
}

/** Nearer to the end than this, the reader wants to see what comes. */
const NEAR_END_PX = 80

/** The open conversation; follows what is being written unless the reader has scrolled up. */
export function Thread({ conversation, busy, onAction }: Props) {
  const box = useRef<HTMLDivElement>(null)
  const following = useRef(true)
  const { messages, id } = conversation

  // biome-ignore lint/correctness/useExhaustiveDependencies: another conversation is shown from its end
  useLayoutEffect(() => {
    following.current = true
  }, [id])
  useEffect(() => {
    const element = box.current
    if (element && following.current && messages.length > 0) element.scrollTop = element.scrollHeight
  }, [messages])

  const onScroll = () => {
    const element = box.current!
    following.current = element.scrollHeight - element.scrollTop - element.clientHeight < NEAR_END_PX
  }
  return (
    // What comes is announced once it is complete (see Announcer), not token by token.
    // biome-ignore lint/a11y/noNoninteractiveTabindex: long answers must scroll by keyboard
    <section className="thread" ref={box} onScroll={onScroll} aria-label="Conversation" tabIndex={0}>
      <div className="column">
        {messages.map((message, index) => (
          <MessageView
            key={message.id}
            message={message}
            isLast={index === messages.length - 1}
            busy={busy}
            onAction={onAction}
          />
        ))}
      </div>
    </section>
  )
}
