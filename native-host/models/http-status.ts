import { ModelError } from './model-error.ts'
import { retryAfterMs, TransientError } from './retry.ts'

export interface StatusContext {
  /** Without its query: signatures are secrets. */
  readonly url: string
  readonly retryAfter: string | null
  /** Whether a token was sent. */
  readonly withToken: boolean
  /** Whether the hub answered, which knows gated repositories. */
  readonly fromHub: boolean
}

/** What an answer that is neither the file nor a redirect means. */
export function statusError(status: number, context: StatusContext): ModelError | TransientError {
  const { url, retryAfter, withToken, fromHub } = context
  if (status === 404 || status === 410)
    return new ModelError(
      'NOT_FOUND',
      `there is nothing at ${url} (status ${status}): look whether owner, repository, file and revision are spelled as the page has them`,
    )
  if (status === 401 || status === 403) {
    const todo = !fromHub
      ? 'that host wants a login, which Shard has none for: fetch the file yourself and use `shard model import FILE`'
      : withToken
        ? "HF_TOKEN was sent and does not suffice: accept the licence on the repository's page with that account, or make a token with read access"
        : 'the repository may be gated or private, or misspelled: accept its licence on its page, and set HF_TOKEN to a token of that account (sent over https alone)'
    return new ModelError('UNAUTHORIZED', `${url} was refused (status ${status}): ${todo}`)
  }
  if (status === 429) {
    const waitMs = retryAfterMs(retryAfter)
    const when = waitMs === null ? 'a while' : `${Math.ceil(waitMs / 1000)} s`
    return new TransientError(
      'RATE_LIMITED',
      `${url} answers too many requests (status 429) and asks for ${when}: run the same command again then; a token in HF_TOKEN raises the hub's limit`,
      { waitMs },
    )
  }
  if (status === 408 || status >= 500)
    return new TransientError(
      'SERVER_FAILED',
      `${url} fails (status ${status}): run the same command again later, it goes on where it stopped`,
      { waitMs: retryAfterMs(retryAfter) },
    )
  return new ModelError('SERVER_FAILED', `${url} answers status ${status}, which is no file`)
}
