/**
 * Why an Oracle did not do what it was asked over the mesh. `code` is a stable word: one of these, or the Oracle's own
 * (those of its HTTP API such as `overloaded`, or of a refusal such as `not-paired`, `invite`).
 */
export type OracleCallCode =
  | 'unreachable' // no connection to any of its addresses
  | 'unsupported' // it does not speak this protocol: an older version, or the service is off
  | 'timeout' // connected, and nothing came in time
  | 'interrupted' // the stream ended before the answer did
  | 'protocol' // what came is not what the protocol says
  | 'slow' // this side does not take what comes, or the Oracle does not read
  | 'request_too_large' // the question is longer than an Oracle reads
  | (string & {})

export class OracleCallError extends Error {
  override readonly name = 'OracleCallError'
  readonly code: OracleCallCode
  /** Seconds after which trying again makes sense; null: it does not say. */
  readonly retryAfterS: number | null

  constructor(
    code: OracleCallCode,
    message: string,
    options: ErrorOptions & { readonly retryAfterS?: number | null } = {},
  ) {
    super(message, options)
    this.code = code
    this.retryAfterS = options.retryAfterS ?? null
  }
}
