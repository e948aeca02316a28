import { type KeyboardEvent, useEffect, useLayoutEffect, useRef, useState } from 'react'
import { SendIcon, StopIcon } from './icons.tsx'

interface Props {
  readonly busy: boolean
  /** Changes when the open conversation does: the field is where one goes on. */
  readonly focusKey: string
  readonly onSend: (text: string) => void
  readonly onStop: () => void
}

const TALLEST_PX = 220

export function Composer({ busy, focusKey, onSend, onStop }: Props) {
  const [text, setText] = useState('')
  const field = useRef<HTMLTextAreaElement>(null)
  const ready = text.trim() !== '' && !busy

  // biome-ignore lint/correctness/useExhaustiveDependencies: the key says when
  useEffect(() => field.current?.focus(), [focusKey])
  // biome-ignore lint/correctness/useExhaustiveDependencies: the height follows the text
  useLayoutEffect(() => {
    const element = field.current!
    element.style.height = 'auto'
    element.style.height = `${Math.min(TALLEST_PX, element.scrollHeight)}px`
  }, [text])

  const send = () => {
    if (!ready) return
    onSend(text.trim())
    setText('')
  }
  const onKeyDown = (event: KeyboardEvent) => {
    // An input method's Enter chooses a word.
    if (event.key !== 'Enter' || event.shiftKey || event.nativeEvent.isComposing) return
    event.preventDefault()
    send()
  }
  return (
    <div className="composer">
      <div className="column">
        <div className="field">
          <textarea
            ref={field}
            rows={1}
            value={text}
            aria-label="Message"
            aria-describedby="composer-keys"
            placeholder="Write a message"
            onChange={(event) => setText(event.target.value)}
            onKeyDown={onKeyDown}
          />
          {busy ? (
            <button
              type="button"
              className="send"
              data-stop
              aria-label="Stop"
              title="Stop (Esc)"
              onClick={onStop}
            >
              <StopIcon />
            </button>
          ) : (
            <button
              type="button"
              className="send"
              aria-label="Send"
              title="Send (Enter)"
              disabled={!ready}
              onClick={send}
            >
              <SendIcon />
            </button>
          )}
        </div>
        <p className="keys" id="composer-keys">
          <kbd>Enter</kbd> sends, <kbd>Shift</kbd> <kbd>Enter</kbd> begins a line, <kbd>Esc</kbd> stops
        </p>
      </div>
    </div>
  )
}
