import { statfs as statFileSystem } from 'node:fs/promises'
import { byteText } from './byte-text.ts'
import { ModelError } from './model-error.ts'

/** What a disk is not filled up to: journals, logs and other programs want some. */
const SPARE_BYTES = 64 * 1024 * 1024

export type Statfs = (path: string) => Promise<{ readonly bavail: number; readonly bsize: number }>

/**
 * Asks for room before anything is written. A file system that cannot tell is trusted.
 * @throws {ModelError} NO_SPACE
 */
export async function needSpace(
  folder: string,
  bytes: number,
  statfs: Statfs = statFileSystem,
): Promise<void> {
  const stats = await statfs(folder).catch(() => null)
  if (stats === null) return
  const free = stats.bavail * stats.bsize
  if (free >= bytes + SPARE_BYTES) return
  throw new ModelError(
    'NO_SPACE',
    `${byteText(bytes)} are to come and ${byteText(free)} are free in ${folder} (${byteText(SPARE_BYTES)} stay free): make room (\`shard model rm\`), or let SHARD_HOME name another place`,
  )
}
