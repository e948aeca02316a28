import { writeSync } from 'node:fs'
import pino, { type Logger } from 'pino'
import type { Settings } from '../settings/schema.ts'

/**
 * Structured lines on stderr, one JSON object each; on a terminal, the same as one short line for people. Written at
 * once, so that none is lost when the process ends.
 */
export function createLogger(
  level: Settings['log.level'],
  name: string,
  writer?: { write(line: string): void },
): Logger {
  const options = {
    base: { name, pid: process.pid },
    level,
    formatters: { level: (label: string) => ({ level: label }) },
  }
  if (writer) return pino(options, writer)
  if (process.stderr.isTTY) return pino(options, { write: (line: string) => writeStderr(readable(line)) })
  return pino(options, pino.destination({ dest: 2, sync: true }))
}

/** Nothing that a log does may end the process: a closed terminal is no reason to stop. */
function writeStderr(text: string): void {
  try {
    writeSync(2, text)
  } catch {}
}

const LONGEST_VALUE = 100

/** `12:03:44 info  shard: scout joined  peerId=12D3… own=true` */
export function readable(line: string): string {
  const { level, time, name, msg, pid: _, ...fields } = JSON.parse(line) as Record<string, unknown>
  const clock = new Date(time as number).toTimeString().slice(0, 8)
  const rest = Object.entries(fields).map(([key, value]) => {
    const text = typeof value === 'string' ? value : JSON.stringify(value)
    return `${key}=${text.length > LONGEST_VALUE ? `${text.slice(0, LONGEST_VALUE)}…` : text}`
  })
  return `${clock} ${String(level).padEnd(5)} ${name}: ${msg}${rest.length > 0 ? `  ${rest.join(' ')}` : ''}\n`
}
