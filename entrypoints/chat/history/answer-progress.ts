import { ChatError, type ChatEvent } from '../source/chat-source.ts'
import { type Answer, append, EMPTY_ACCOUNT } from './conversation.ts'

export function newAnswer(id: string): Answer {
  return { id, role: 'assistant', pieces: [], state: 'writing', account: EMPTY_ACCOUNT }
}

/** The answer after one event. @param elapsedMs since its first token */
export function afterEvent(answer: Answer, event: ChatEvent, elapsedMs: number): Answer {
  const { account } = answer
  if (event.type === 'begin') {
    const { type: _, ...begun } = event
    return { ...answer, account: { ...account, ...begun } }
  }
  if (event.type === 'end') {
    const { reason, usage } = event
    return { ...answer, state: 'done', account: { ...account, reason, usage } }
  }
  const drafted: Record<string, number> = { ...account.drafted }
  for (const [, by] of event.pieces) if (by !== null) drafted[by] = (drafted[by] ?? 0) + 1
  return {
    ...answer,
    pieces: append(answer.pieces, event.pieces),
    account: { ...account, drafted, tokens: account.tokens + event.pieces.length, ms: elapsedMs },
  }
}

export function afterStop(answer: Answer): Answer {
  return { ...answer, state: 'stopped' }
}

export function afterError(answer: Answer, error: unknown): Answer {
  const { kind, message, retryAfterS } =
    error instanceof ChatError
      ? error
      : new ChatError('failed', error instanceof Error ? error.message : String(error))
  return { ...answer, state: 'failed', error: { kind, message, retryAfterS } }
}
