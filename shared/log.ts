/** What the Oracle needs of a structured logger; pino's satisfies it. */
export interface Log {
  debug(fields: object, message: string): void
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}

export const SILENT: Log = { debug() {}, info() {}, warn() {}, error() {} }
