import { createHash, randomBytes } from 'node:crypto'
import { chmodSync, lstatSync, mkdirSync, readFileSync, readlinkSync } from 'node:fs'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { ShardError } from '../daemon/shard-error.ts'

/** Where a daemon and those who talk to it meet: one place for one data folder. */
export interface ControlPlace {
  /** Private to this user. Whoever waits for a daemon watches it. */
  readonly folder: string
  /**
   * Is there while a daemon runs (and after one that was killed): the socket itself, or a link to it where this path is
   * too long for one, or, on Windows, a file that stands for the pipe.
   */
  readonly mark: string
  readonly kind: 'socket' | 'link' | 'pipe'
}

/** Bytes of a path in sockaddr_un, less the closing zero. */
const LONGEST_PATH = { linux: 107, other: 103 } as const

export function controlPlace(dataFolder: string, platform: NodeJS.Platform = process.platform): ControlPlace {
  const folder = join(dataFolder, 'run')
  const mark = join(folder, 'daemon.sock')
  if (platform === 'win32') return { folder, mark, kind: 'pipe' }
  return { folder, mark, kind: fits(mark, platform) ? 'socket' : 'link' }
}

function fits(path: string, platform: NodeJS.Platform): boolean {
  return Buffer.byteLength(path) <= (platform === 'linux' ? LONGEST_PATH.linux : LONGEST_PATH.other)
}

/** What a daemon listens on. Where that is not the mark, its folder is made. @throws {ShardError} CANNOT_LISTEN */
export function addressToListen({ mark, kind }: ControlPlace, env: NodeJS.ProcessEnv = process.env): string {
  if (kind === 'socket') return mark
  if (kind === 'pipe') return pipeName(mark)
  for (const base of [env.XDG_RUNTIME_DIR, tmpdir(), '/tmp']) {
    if (!base) continue
    const folder = join(base, `shard-${hashOf(mark)}`)
    const address = join(folder, `${randomBytes(4).toString('hex')}.sock`)
    if (!fits(address, process.platform)) continue
    makePrivate(folder)
    return address
  }
  throw new ShardError(
    'CANNOT_LISTEN',
    `${mark} is too long a path for a socket, and so are those in the temporary folder: set SHARD_HOME to a shorter one`,
  )
}

/** What to connect to; null when there is nothing, or what there is is not this user's. */
export function addressToConnect({ mark, kind }: ControlPlace): string | null {
  try {
    if (kind === 'socket') return mark
    if (kind === 'pipe') return readFileSync(mark, 'utf8').trim() === pipeName(mark) ? pipeName(mark) : null
    const address = readlinkSync(mark)
    // The temporary folder is everybody's: one of this name may be a stranger's by now.
    checkPrivate(join(address, '..'))
    return address
  } catch {
    return null
  }
}

/** A name that follows from the data folder and the user. */
export function pipeName(mark: string): string {
  return `\\\\.\\pipe\\shard-${hashOf(`${userInfo().username}\0${mark.toLowerCase()}`)}`
}

function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 16)
}

/** Makes a folder that nobody else may enter. @throws {ShardError} CANNOT_LISTEN */
export function makePrivate(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    const { uid, mode } = lstatSync(folder)
    if (process.getuid?.() === uid && (mode & 0o077) !== 0) chmodSync(folder, 0o700)
  } catch (cause) {
    throw new ShardError('CANNOT_LISTEN', `cannot make ${folder}: ${(cause as Error).message}`, { cause })
  }
  checkPrivate(folder)
}

/** @throws {ShardError} CANNOT_LISTEN */
function checkPrivate(folder: string): void {
  if (process.platform === 'win32') return
  const { uid, mode } = lstatSync(folder)
  if (lstatSync(folder).isDirectory() && uid === process.getuid?.() && (mode & 0o077) === 0) return
  throw new ShardError('CANNOT_LISTEN', `${folder} is not a folder of this user alone: remove it`)
}
