import { type Conversation, textOf } from '../history/conversation.ts'

/** For screen readers: that an answer is being written, then the answer, once. */
export function Announcer({ conversation }: { readonly conversation: Conversation | null }) {
  const last = conversation?.messages.at(-1)
  let text = ''
  if (last?.role === 'assistant') {
    if (last.state === 'writing') text = 'Shard is writing.'
    else if (last.state === 'stopped') text = 'Stopped.'
    else if (last.state === 'done') text = `Shard: ${textOf(last.pieces)}`
  }
  return (
    <div className="sr-only" role="status" aria-live="polite">
      {text}
    </div>
  )
}
