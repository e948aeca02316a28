export type TokenizerErrorCode =
  | 'TOKENIZER_INVALID' // tokenizer.json or tokenizer_config.json is not what it should be
  | 'TOKENIZER_UNSUPPORTED' // not byte-level BPE
  | 'CHAT_UNSUPPORTED' // the model has no chat template
  | 'CHAT_INVALID' // a role nobody defines, or the template refuses the messages

export class TokenizerError extends Error {
  override readonly name = 'TokenizerError'
  readonly code: TokenizerErrorCode

  constructor(code: TokenizerErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}
