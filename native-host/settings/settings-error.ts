export type SettingsErrorCode =
  | 'UNKNOWN_KEY'
  | 'BAD_VALUE'
  | 'FILE_INVALID' // the settings file cannot be read, or is no JSON object
  | 'CONFLICT' // each value is fine, together they are not

/** The message names the key, where its value came from, and what is allowed. */
export class SettingsError extends Error {
  override readonly name = 'SettingsError'
  readonly code: SettingsErrorCode

  constructor(code: SettingsErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}
