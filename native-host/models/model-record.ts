import { readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'

/** Beside a model that was pulled or imported: where it came from and what vouched for it. */
const recordSchema = z.object({
  version: z.literal(1),
  name: z.string(),
  file: z.string(),
  /** An address without its query, or a path. */
  from: z.string(),
  /** The registry's name for it. */
  entry: z.string().nullable(),
  licence: z.string().nullable(),
  bytes: z.int().positive(),
  sha256: z.string().nullable(),
  checked_by: z.string().nullable(),
  tokenizer_hash: z.string().nullable(),
  at: z.string(),
})

export type ModelRecord = Readonly<z.output<typeof recordSchema>>

export const RECORD_FILE = 'shard-model.json'

/** null when there is none, or none that can be read. */
export async function readRecord(folder: string): Promise<ModelRecord | null> {
  try {
    return recordSchema.parse(JSON.parse(await readFile(join(folder, RECORD_FILE), 'utf8')))
  } catch {
    return null
  }
}

export async function writeRecord(folder: string, record: ModelRecord): Promise<void> {
  const path = join(folder, RECORD_FILE)
  await writeFile(`${path}.new`, `${JSON.stringify(record, null, 2)}\n`)
  await rename(`${path}.new`, path)
}
