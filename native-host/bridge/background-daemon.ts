import { spawn } from 'node:child_process'
import { closeSync, mkdirSync, readFileSync } from 'node:fs'
import { backgroundLog, openBackgroundLog } from '../control/background-log.ts'
import { EXIT } from '../daemon/shard-error.ts'
import type { SelfCommand } from '../packaged/self-command.ts'

/** A daemon that was started for the extension and outlives the bridge. */
export interface BackgroundDaemon {
  readonly log: string
  /** Resolves if it ends. */
  readonly ended: Promise<DaemonEnd>
}

export interface DaemonEnd {
  /** Another daemon was faster: nothing is wrong. */
  readonly alreadyRunning: boolean
  /** What it said last. */
  readonly lastLines: string
}

const LAST_LINES = 5
const LONGEST_LINE = 500

/** Starts `shard serve` with the user's settings, in a process group of its own. @throws when nothing can be written */
export function startBackgroundDaemon(shard: SelfCommand, dataFolder: string): BackgroundDaemon {
  const log = backgroundLog(dataFolder)
  mkdirSync(dataFolder, { recursive: true, mode: 0o700 })
  const { fd, size } = openBackgroundLog(log)
  const child = spawn(shard.command, [...shard.args, 'serve', '--background-log', log], {
    cwd: dataFolder,
    detached: true,
    windowsHide: true,
    stdio: ['ignore', fd, fd],
  })
  closeSync(fd)
  child.unref()
  const ended = new Promise<DaemonEnd>((resolve) => {
    child.once('error', ({ message }) => resolve({ alreadyRunning: false, lastLines: message }))
    child.once('exit', (code, signal) => {
      const lines = lastLines(log, size)
      resolve({
        alreadyRunning: code === EXIT.alreadyRunning,
        lastLines: lines || `it ended with ${signal ?? `exit code ${code}`} and said nothing`,
      })
    })
  })
  return { log, ended }
}

/** Its reason, which the command line writes last, else the log's last lines. */
function lastLines(log: string, from: number): string {
  try {
    const bytes = readFileSync(log)
    const lines = bytes
      .subarray(bytes.length < from ? 0 : from)
      .toString('utf8')
      .trim()
      .split('\n')
    const reason = lines.findLast((line) => line.startsWith('shard: '))
    return (reason ? [reason.slice('shard: '.length)] : lines.slice(-LAST_LINES))
      .map((line) => line.slice(0, LONGEST_LINE))
      .join('\n')
  } catch (error) {
    return `its log cannot be read: ${(error as Error).message}`
  }
}
