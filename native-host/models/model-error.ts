export type ModelErrorCode =
  | 'BAD_SOURCE' // neither a name of the registry, nor hf:owner/repo/file, nor a URL
  | 'UNKNOWN_MODEL' // no such model in the registry, or none installed
  | 'NOT_PULLABLE' // the registry lists it, and there is no file to fetch
  | 'REGISTRY_INVALID'
  | 'BUSY' // another process is fetching the same file
  | 'NO_SPACE' // on the disk
  | 'CANNOT_WRITE'
  | 'CANNOT_READ'
  | 'NOT_FOUND' // status 404
  | 'UNAUTHORIZED' // status 401 or 403: a gated or private repository
  | 'RATE_LIMITED' // status 429 for too long
  | 'UNREACHABLE' // no connection to the host
  | 'BROKEN_OFF' // the connection breaks again and again
  | 'SERVER_FAILED' // status 5xx, or one that nobody expects
  | 'SERVER_LIED' // lengths or ranges contradict each other
  | 'SOURCE_CHANGED' // the file changed while it was fetched
  | 'BAD_REDIRECT' // too many, to plain http, or to what is no URL
  | 'CHECKSUM_MISMATCH'
  | 'NOT_A_MODEL' // what came is no GGUF file, or no tokenizer
  | 'NO_TOKENIZER' // the tokenizer's files are not where they should be
  | 'ALREADY_THERE' // another file has the name
  | 'EMBEDDED' // the embedded pair cannot be removed
  | 'CANCELLED' // by Ctrl-C

/** Something about a model's file that its reader can do something about: one line, and what to do. */
export class ModelError extends Error {
  override readonly name = 'ModelError'
  readonly code: ModelErrorCode

  constructor(code: ModelErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }

  /** Of the command line: 2 for what was asked wrongly, 130 after Ctrl-C as shells have it. */
  get exitCode(): number {
    if (this.code === 'CANCELLED') return 130
    return this.code === 'BAD_SOURCE' || this.code === 'UNKNOWN_MODEL' || this.code === 'NOT_PULLABLE' ? 2 : 1
  }
}
