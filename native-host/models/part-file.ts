import { type FileHandle, open, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { z } from 'zod'
import { ModelError } from './model-error.ts'
import { type ByteRange, RangeSet } from './range-set.ts'

/** Bytes are written down so soon after they came: a killed process loses no more. */
const JOURNAL_MS = 1_000

/** Which file the bytes are of: only the same one is gone on with. */
export interface PartIdentity {
  readonly url: string
  readonly size: number | null
  /** Its checksum or ETag. */
  readonly validator: string | null
}

const journalSchema = z.strictObject({
  version: z.literal(1),
  url: z.string().max(4096),
  size: z.int().positive().nullable(),
  validator: z.string().max(256).nullable(),
  /** Pairs of start and end. */
  ranges: z.array(z.tuple([z.int().min(0), z.int().positive()])).max(65_536),
})

/**
 * A file that is being fetched: `X.part` with the bytes in their places, and `X.part.json`, the journal, with the ranges
 * that are there. The journal is replaced as a whole, after the bytes are on the disk.
 */
export class PartFile {
  readonly path: string
  readonly ranges: RangeSet
  /** How many bytes an earlier run left. */
  readonly resumed: number
  readonly #handle: FileHandle
  readonly #identity: PartIdentity
  #due: NodeJS.Timeout | null = null
  #journalling: Promise<void> = Promise.resolve()

  private constructor(path: string, handle: FileHandle, identity: PartIdentity, ranges: RangeSet) {
    this.path = path
    this.#handle = handle
    this.#identity = identity
    this.ranges = ranges
    this.resumed = ranges.bytes
  }

  /** Goes on with what an earlier run left of the same file, else begins anew. @throws {ModelError} CANNOT_WRITE */
  static async open(target: string, identity: PartIdentity): Promise<PartFile> {
    const path = `${target}.part`
    try {
      const ranges = await leftRanges(path, identity)
      const handle = await open(path, ranges.bytes > 0 ? 'r+' : 'w', 0o600)
      const part = new PartFile(path, handle, identity, ranges)
      await part.save()
      return part
    } catch (error) {
      throw writeError(error, path)
    }
  }

  /** @throws {ModelError} NO_SPACE, CANNOT_WRITE */
  async write(position: number, bytes: Uint8Array): Promise<void> {
    try {
      for (let done = 0; done < bytes.length; ) {
        const { bytesWritten } = await this.#handle.write(bytes, done, bytes.length - done, position + done)
        done += bytesWritten
      }
      this.ranges.add(position, position + bytes.length)
      // What goes wrong there goes wrong at the next write, too, or at the end.
      this.#due ??= setTimeout(() => this.save().catch(() => {}), JOURNAL_MS)
    } catch (error) {
      throw writeError(error, this.path)
    }
  }

  /** Writes the journal as things are now, after a writing that is under way. */
  save(): Promise<void> {
    clearTimeout(this.#due ?? undefined)
    this.#due = null
    const saved = this.#journalling.then(() => this.#writeJournal())
    this.#journalling = saved.catch(() => {})
    return saved
  }

  /** Forgets every byte: for a server that sends no parts. */
  async reset(): Promise<void> {
    this.ranges.clear()
    try {
      await this.#handle.truncate(0)
      await this.save()
    } catch (error) {
      throw writeError(error, this.path)
    }
  }

  /** Cuts off what lies beyond the end, and puts all bytes on the disk. */
  async finish(size: number): Promise<void> {
    try {
      await this.save()
      await this.#handle.truncate(size)
      await this.#handle.sync()
    } catch (error) {
      throw writeError(error, this.path)
    }
    await this.#handle.close()
  }

  /** Ends it so that the next run goes on from here. */
  async keep(): Promise<void> {
    // A full disk takes no journal either: the last one holds.
    await this.save().catch(() => {})
    await this.#handle.close().catch(() => {})
  }

  async #writeJournal(): Promise<void> {
    // Ranges of before the sync: what came after may not be on the disk.
    const ranges = this.ranges.list().map(({ start, end }): [number, number] => [start, end])
    await this.#handle.datasync()
    const journal: z.output<typeof journalSchema> = { version: 1, ...this.#identity, ranges }
    await writeFile(`${this.path}.json.new`, JSON.stringify(journal), { mode: 0o600 })
    await rename(`${this.path}.json.new`, `${this.path}.json`)
  }
}

/** A file that is partly here; null when there is none, or no journal that can be read. */
export async function readPart(target: string): Promise<{ bytes: number; size: number | null } | null> {
  const journal = await readJournal(`${target}.part`)
  return journal && { bytes: new RangeSet(journal.ranges.map(toRange)).bytes, size: journal.size }
}

/** The finished file takes its name; everything about the parts goes. */
export async function commitPart(target: string): Promise<void> {
  await rename(`${target}.part`, target)
  await rm(`${target}.part.json`, { force: true })
  // The name, too, should outlive a power cut. Windows opens no folders.
  const folder = await open(dirname(target), 'r').catch(() => null)
  await folder?.sync().catch(() => {})
  await folder?.close()
}

export async function removePart(target: string): Promise<void> {
  for (const name of ['.part', '.part.json', '.part.json.new']) await rm(`${target}${name}`, { force: true })
}

async function leftRanges(path: string, { url, size, validator }: PartIdentity): Promise<RangeSet> {
  const journal = await readJournal(path)
  const same = journal?.url === url && journal.size === size && journal.validator === validator
  if (journal === null || !same || size === null) return new RangeSet()
  const ranges = new RangeSet(journal.ranges.map(toRange))
  const there = await stat(path).catch(() => null)
  return there?.isFile() && ranges.end <= Math.min(there.size, size) ? ranges : new RangeSet()
}

function toRange([start, end]: readonly [number, number]): ByteRange {
  return { start, end }
}

async function readJournal(path: string): Promise<z.output<typeof journalSchema> | null> {
  try {
    return journalSchema.parse(JSON.parse(await readFile(`${path}.json`, 'utf8')))
  } catch {
    return null
  }
}

/** What a failed write means. */
export function writeError(error: unknown, path: string): unknown {
  if (error instanceof ModelError) return error
  const { code, message } = error as NodeJS.ErrnoException
  if (code === 'ENOSPC' || code === 'EDQUOT')
    return new ModelError(
      'NO_SPACE',
      `the disk is full: make room in ${dirname(path)} (\`shard model rm\`), and run the same command again, it goes on where it stopped`,
      { cause: error },
    )
  if (code === undefined) return error
  return new ModelError('CANNOT_WRITE', `cannot write ${path}: ${message}`, { cause: error })
}
