import type { ChatErrorKind, ChatTurn, Piece, Usage } from '../source/chat-source.ts'

export interface Conversation {
  readonly id: string
  readonly title: string
  /** Unix time, ms. */
  readonly updatedAt: number
  readonly messages: readonly Message[]
}

export type Message = Question | Answer

export interface Question {
  readonly id: string
  readonly role: 'user'
  readonly text: string
}

export interface Answer {
  readonly id: string
  readonly role: 'assistant'
  /** Neighbours are by different authors. */
  readonly pieces: readonly Piece[]
  readonly state: 'writing' | 'done' | 'stopped' | 'failed'
  readonly error?: {
    readonly kind: ChatErrorKind
    readonly message: string
    readonly retryAfterS: number | null
  }
  readonly account: Account
}

/** What is known of how an answer came about. */
export interface Account {
  /** Tokens that have come so far. */
  readonly tokens: number
  /** Of these, drafted by somebody and confirmed, by worker. */
  readonly drafted: Readonly<Record<string, number>>
  /** From the first to the last token. */
  readonly ms: number
  readonly reason?: 'stop' | 'length'
  readonly scope?: string
  readonly seed?: string
  /** Peer id of the Oracle that wrote it, where several might have. */
  readonly oracle?: string
  readonly usage?: Usage
}

export const EMPTY_ACCOUNT: Account = { tokens: 0, drafted: {}, ms: 0 }

const LONGEST_TITLE = 60

export function titleFrom(question: string): string {
  const line = question.trim().split('\n')[0] ?? ''
  return line.length > LONGEST_TITLE ? `${line.slice(0, LONGEST_TITLE - 1)}…` : line
}

export function textOf(pieces: readonly Piece[]): string {
  return pieces.map(([text]) => text).join('')
}

/** Adds pieces; neighbours of one author become one. */
export function append(pieces: readonly Piece[], more: readonly Piece[]): Piece[] {
  const all = [...pieces]
  for (const [text, by] of more) {
    const last = all.at(-1)
    if (last && last[1] === by) all[all.length - 1] = [last[0] + text, by]
    else all.push([text, by])
  }
  return all
}

/** What the model is told: answers without a word are left out. */
export function turnsOf(messages: readonly Message[]): ChatTurn[] {
  return messages.flatMap((message): ChatTurn[] => {
    if (message.role === 'user') return [{ role: 'user', content: message.text }]
    const content = textOf(message.pieces)
    return content === '' ? [] : [{ role: 'assistant', content }]
  })
}
