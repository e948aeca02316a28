import { memo, useState } from 'react'
import { type Answer, type Message, textOf } from '../history/conversation.ts'
import { AnswerAccount } from './answer-account.tsx'
import { AgainIcon, CopyIcon } from './icons.tsx'
import { ProblemNotice } from './problem-notice.tsx'
import { TintedText } from './tinted-text.tsx'

interface Props {
  readonly message: Message
  readonly isLast: boolean
  readonly busy: boolean
  readonly onAction: (action: 'retry' | 'new' | 'settings') => void
}

export const MessageView = memo(function MessageView({ message, isLast, busy, onAction }: Props) {
  if (message.role === 'user')
    return (
      <article className="message question" aria-label="You">
        <div className="bubble">{message.text}</div>
      </article>
    )
  const writing = message.state === 'writing'
  const isEmpty = message.state === 'failed' && message.pieces.length === 0
  return (
    <article className="message answer" aria-label="Shard" data-state={message.state}>
      {!isEmpty && (
        <>
          <div className="text">
            <TintedText pieces={message.pieces} workers={Object.keys(message.account.drafted)} />
            {writing && (
              <span className={message.pieces.length === 0 ? 'waiting' : 'caret'} aria-hidden="true" />
            )}
            {message.state === 'stopped' && message.pieces.length === 0 && (
              <span className="muted">Stopped before the first word.</span>
            )}
          </div>
          <div className="answer-foot">
            <AnswerAccount answer={message} />
            {!writing && (
              <span className="answer-actions">
                {message.pieces.length > 0 && <CopyButton answer={message} />}
                {isLast && !message.error && (
                  <button
                    type="button"
                    className="icon-button small"
                    aria-label="Answer again"
                    title="Answer again"
                    disabled={busy}
                    onClick={() => onAction('retry')}
                  >
                    <AgainIcon />
                  </button>
                )}
              </span>
            )}
          </div>
        </>
      )}
      {message.error && isLast && <ProblemNotice error={message.error} onAction={onAction} />}
    </article>
  )
})

function CopyButton({ answer }: { readonly answer: Answer }) {
  const [copied, setCopied] = useState(false)
  const copy = async () => {
    await navigator.clipboard.writeText(textOf(answer.pieces))
    setCopied(true)
    setTimeout(() => setCopied(false), 1500)
  }
  return (
    <button
      type="button"
      className="icon-button small"
      aria-label={copied ? 'Copied' : 'Copy the answer'}
      title={copied ? 'Copied' : 'Copy'}
      data-done={copied}
      onClick={() => void copy().catch(() => {})}
    >
      <CopyIcon />
    </button>
  )
}
