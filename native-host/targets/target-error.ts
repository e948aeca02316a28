export type TargetErrorCode =
  | 'MODEL_NOT_FOUND' // no installed model has this name
  | 'NOT_LOADABLE' // its file is corrupt, its tokenizer is missing or another's, or no engine here runs it
  | 'TOO_LITTLE_MEMORY'
  | 'LOAD_FAILED' // the engine's process ended while it loaded

/** Why the model that a request asks for does not answer it. */
export class TargetError extends Error {
  override readonly name = 'TargetError'
  readonly code: TargetErrorCode

  constructor(code: TargetErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}
