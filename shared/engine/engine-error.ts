/** Stable codes; the message says what was expected, what came, and what to do. */
export type EngineErrorCode =
  | 'GGUF_TRUNCATED' // the file ends before what its header promises
  | 'GGUF_INVALID' // magic, version, counts, names, offsets, alignment
  | 'GGUF_UNSUPPORTED' // well-formed, but an architecture or tensor type that this engine does not run
  | 'MODEL_NOT_FOUND'
  | 'OUT_OF_MEMORY'
  | 'SEQUENCE_UNKNOWN'
  | 'SEQUENCE_LIMIT'
  | 'CONTEXT_FULL' // the tokens would pass the model's context length
  | 'BATCH_INVALID' // empty items, too many rows, a sequence twice in a batch, a token id outside the vocabulary, parents
  | 'ABORTED'
  | 'UNLOADED'
  | 'ENGINE_LOST' // the engine's process or its GPU device is gone, and all sequences with it; load it anew
  | 'NATIVE_UNAVAILABLE' // the native addon is not built or does not load here
  | 'WEBGPU_UNAVAILABLE' // no adapter or device, limits too small, or a shader that this browser does not compile

export class EngineError extends Error {
  override readonly name = 'EngineError'
  readonly code: EngineErrorCode

  constructor(code: EngineErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}
