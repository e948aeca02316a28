import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { ShardError } from '../daemon/shard-error.ts'

/** What `shard install` has written so far, so that `shard uninstall` takes away that and nothing else. */
const recordSchema = z.object({
  version: z.literal(1),
  files: z.array(z.object({ path: z.string(), sha256: z.string() })),
  /** Those that it made, outermost first. */
  folders: z.array(z.string()),
  registry: z.array(z.object({ key: z.string(), value: z.string() })),
})
export type InstallRecord = z.output<typeof recordSchema>

export const EMPTY_RECORD: InstallRecord = { version: 1, files: [], folders: [], registry: [] }

/** Of launcher, record and, on Windows, manifests. */
export function installFolder(dataFolder: string): string {
  return join(dataFolder, 'bridge')
}

export function recordFile(dataFolder: string): string {
  return join(installFolder(dataFolder), 'installed.json')
}

/** Empty when nothing is installed. @throws {ShardError} CANNOT_READ */
export function readRecord(dataFolder: string): InstallRecord {
  const path = recordFile(dataFolder)
  try {
    return recordSchema.parse(JSON.parse(readFileSync(path, 'utf8')))
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return EMPTY_RECORD
    throw new ShardError(
      'CANNOT_READ',
      `${path} is not what \`shard install\` wrote: remove it, then install again`,
      {
        cause,
      },
    )
  }
}

export function sha256(text: string | Uint8Array): string {
  return createHash('sha256').update(text).digest('hex')
}
