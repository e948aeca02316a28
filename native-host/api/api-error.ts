/** OpenAI's classes of errors, as its clients know them. */
export type ApiErrorType =
  | 'invalid_request_error'
  | 'authentication_error'
  | 'permission_error'
  | 'rate_limit_error'
  | 'server_error'

export interface ApiErrorFacts {
  readonly status: number
  readonly type: ApiErrorType
  readonly code: string | null
  /** The field at fault: `messages[0].content`. */
  readonly param: string | null
  readonly headers: Readonly<Record<string, string>>
}

/** An answer that is no success, in OpenAI's shape. */
export class ApiError extends Error implements ApiErrorFacts {
  override readonly name = 'ApiError'
  readonly status: number
  readonly type: ApiErrorType
  readonly code: string | null
  readonly param: string | null
  readonly headers: Readonly<Record<string, string>>

  constructor(status: number, message: string, facts: Partial<ApiErrorFacts> & ErrorOptions = {}) {
    super(message, facts.cause === undefined ? undefined : { cause: facts.cause })
    this.status = status
    this.type = facts.type ?? typeOf(status)
    this.code = facts.code ?? null
    this.param = facts.param ?? null
    this.headers = facts.headers ?? {}
  }

  body(): { error: { message: string; type: string; param: string | null; code: string | null } } {
    const { message, type, param, code } = this
    return { error: { message, type, param, code } }
  }

  response(headers: Record<string, string> = {}): Response {
    return Response.json(this.body(), { status: this.status, headers: { ...headers, ...this.headers } })
  }
}

function typeOf(status: number): ApiErrorType {
  if (status === 401) return 'authentication_error'
  if (status === 403 || status === 421) return 'permission_error'
  if (status === 429) return 'rate_limit_error'
  return status >= 500 ? 'server_error' : 'invalid_request_error'
}

/** A field that this API refuses; the message always names it. */
export function badField(param: string, message: string, code: string | null = null): ApiError {
  return new ApiError(400, message.includes(param) ? message : `${param}: ${message}`, { param, code })
}
