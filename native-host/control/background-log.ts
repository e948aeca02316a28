import { closeSync, copyFileSync, fstatSync, ftruncateSync, mkdirSync, openSync, writeSync } from 'node:fs'
import { dirname, join } from 'node:path'

/** Of the file that is written and of the one before it, each. */
export const LOG_BYTES = 1024 * 1024

/** Where a daemon that nobody started by hand logs to. */
export function backgroundLog(dataFolder: string): string {
  return join(dataFolder, 'log', 'daemon.log')
}

/** The log, opened to be a child's output; what others append lies after `size`. The caller closes it. */
export function openBackgroundLog(path: string): { readonly fd: number; readonly size: number } {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  const fd = openSync(path, 'a', 0o600)
  keepSmall(path)
  return { fd, size: fstatSync(fd).size }
}

/**
 * Writes a background daemon's own lines and keeps its log from growing. Children write to the same file, as does Node
 * when it crashes: so it is this process's standard error, emptied where it lies, and not a file of the logger's.
 */
export function backgroundLogWriter(path: string): { write(line: string): void } {
  let sinceLook = 0
  return {
    write(line) {
      try {
        writeSync(2, line)
        sinceLook += line.length
        if (sinceLook < LOG_BYTES / 16) return
        sinceLook = 0
        keepSmall(path)
      } catch {
        // A full disk is no reason to end.
      }
    },
  }
}

function keepSmall(path: string): void {
  const fd = openSync(path, 'r+')
  try {
    if (fstatSync(fd).size <= LOG_BYTES) return
    copyFileSync(path, `${path}.1`)
    ftruncateSync(fd, 0)
  } finally {
    closeSync(fd)
  }
}
