import type { Log } from '../../shared/log.ts'

/** The browser's console, in the form of every other log here. */
export const CONSOLE: Log = {
  debug: (fields, message) => console.debug(message, fields),
  info: (fields, message) => console.info(message, fields),
  warn: (fields, message) => console.warn(message, fields),
  error: (fields, message) => console.error(message, fields),
}
