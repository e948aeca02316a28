import type { Answer } from '../history/conversation.ts'
import { type ProblemAction, type ProblemWords, usePlace } from '../place.ts'
import type { ChatErrorKind } from '../source/chat-source.ts'

/** What went wrong, in the reader's words, and what to do about it. */
const WORDS: Readonly<Record<ChatErrorKind, ProblemWords>> = {
  'no-oracle': { title: 'There is no Oracle to ask.', advice: '', action: 'retry' },
  gone: {
    title: 'Your Oracle does not answer.',
    advice: 'It may have been stopped. Start it again (npm start, or shard serve), then try again.',
    action: 'retry',
  },
  interrupted: {
    title: 'The connection was lost in mid-answer.',
    advice: 'What had come is kept above. Check that your Oracle still runs, then try again.',
    action: 'retry',
  },
  overloaded: {
    title: 'Your Oracle is busy.',
    advice: 'All its slots are taken and its queue is full. Try again in a moment.',
    action: 'retry',
  },
  starting: {
    title: 'Your Oracle is still starting.',
    advice: 'The model is being loaded. Try again in a moment.',
    action: 'retry',
  },
  stopping: {
    title: 'Your Oracle was stopped.',
    advice: 'Start it again (npm start, or shard serve), then try again.',
    action: 'retry',
  },
  key: {
    title: 'Your Oracle asks for its key.',
    advice: 'Put the value of its setting api.key into the settings of this page.',
    action: 'settings',
  },
  'too-long': {
    title: 'This conversation has outgrown the model.',
    advice: 'It no longer fits into the context. Begin a new one.',
    action: 'new',
  },
  model: {
    title: 'That model does not answer.',
    advice: 'Choose another one at the top of this page, or try again.',
    action: 'retry',
  },
  refused: { title: 'Your Oracle refused the request.', advice: '', action: 'settings' },
  failed: {
    title: 'Something failed inside your Oracle.',
    advice: 'Its log says what. Trying again often helps.',
    action: 'retry',
  },
}

/** Kinds of which the Oracle's own words say more. */
const DETAILED: ReadonlySet<ChatErrorKind> = new Set(['model', 'refused', 'failed'])

const LABELS: Readonly<Record<Exclude<ProblemAction, 'options'>, string>> = {
  retry: 'Try again',
  new: 'New conversation',
  settings: 'Open settings',
}

interface Props {
  readonly error: NonNullable<Answer['error']>
  readonly onAction: (action: Exclude<ProblemAction, 'options'>) => void
}

export function ProblemNotice({ error, onAction }: Props) {
  const { problems, optionsHref } = usePlace()
  const { title, advice, action } = problems[error.kind] ?? WORDS[error.kind]
  const detail = DETAILED.has(error.kind) ? error.message : null
  return (
    <div className="problem" role="alert" data-kind={error.kind}>
      <div>
        <strong>{title}</strong>
        <p>
          {advice}
          {error.retryAfterS !== null && ` (In about ${error.retryAfterS} s.)`}
        </p>
        {detail && <p className="detail">{detail}</p>}
      </div>
      {action === 'options' ? (
        <a className="button" href={optionsHref ?? undefined}>
          Open Shard’s settings
        </a>
      ) : (
        <button type="button" className="button" onClick={() => onAction(action)}>
          {LABELS[action]}
        </button>
      )}
    </div>
  )
}
