import pino, { type Logger } from 'pino'
import type { Settings } from '../settings/schema.ts'

/** Structured lines on stderr, one JSON object each; written at once, so that none is lost when the process ends. */
export function createLogger(level: Settings['log.level'], name: string): Logger {
  return pino(
    {
      base: { name, pid: process.pid },
      level,
      redact: ['key', 'authorization'],
      formatters: { level: (label) => ({ level: label }) },
    },
    pino.destination({ dest: 2, sync: true }),
  )
}
