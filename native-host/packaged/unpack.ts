import { createHash, randomUUID } from 'node:crypto'
import { chmodSync, lstatSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { ShardError } from '../daemon/shard-error.ts'

/** A file inside the executable. */
export interface Packed {
  /** Where it goes, below the folder that is made for it. */
  readonly path: string
  readonly sha256: string
  readonly bytes: () => Uint8Array
}

/**
 * Puts files into a folder of their own below `cache`, named by their content, so that versions never mix and an update
 * takes nothing from a daemon that runs. What lies there already is used only when its hash is right; else it is replaced.
 * @returns the folder
 * @throws {ShardError} CANNOT_UNPACK
 */
export function unpack(cache: string, files: readonly Packed[]): string {
  const hash = createHash('sha256')
  for (const { path, sha256 } of files) hash.update(`${path}\0${sha256}\n`)
  const folder = join(cache, hash.digest('hex').slice(0, 32))
  try {
    mkdirSync(cache, { recursive: true, mode: 0o700 })
    makePrivate(cache)
    for (const file of files) {
      const path = join(folder, file.path)
      if (!isIntact(path, file.sha256)) place(path, file)
    }
  } catch (cause) {
    if (cause instanceof ShardError) throw cause
    throw new ShardError(
      'CANNOT_UNPACK',
      `cannot unpack ${files[0]?.path} into ${folder}: ${(cause as Error).message}; SHARD_HOME names another place`,
      { cause },
    )
  }
  return folder
}

/** Code is loaded from here: nobody else may write into it, or have made it. */
function makePrivate(folder: string): void {
  const stat = lstatSync(folder)
  const foreign = process.getuid !== undefined && stat.uid !== process.getuid()
  if (!stat.isDirectory() || foreign)
    throw new ShardError('CANNOT_UNPACK', `${folder} is not a folder of this user: remove it`)
  if (process.platform !== 'win32' && (stat.mode & 0o077) !== 0) chmodSync(folder, 0o700)
}

function isIntact(path: string, sha256: string): boolean {
  try {
    return lstatSync(path).isFile() && digest(readFileSync(path)) === sha256
  } catch {
    return false
  }
}

/** Under a name of its own first: two processes may unpack at once, and a broken one must not be left half written. */
function place(path: string, { sha256, bytes }: Packed): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  const fresh = `${path}.${randomUUID()}`
  try {
    writeFileSync(fresh, bytes(), { mode: 0o700, flag: 'wx' })
    renameSync(fresh, path)
  } catch (error) {
    rmSync(fresh, { force: true })
    // Windows does not replace a file that is in use: another process was faster with the same one.
    if (!isIntact(path, sha256)) throw error
  }
}

function digest(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}
