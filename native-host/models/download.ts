import { existsSync } from 'node:fs'
import { mkdir, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { sha256Of } from './checksum.ts'
import { RangesIgnored } from './connection.ts'
import { type FetchOptions, fetchRanges, fetchWhole } from './fetch-ranges.ts'
import { needSpace, type Statfs } from './free-space.ts'
import { ModelError } from './model-error.ts'
import { commitPart, PartFile, removePart, writeError } from './part-file.ts'
import { whileLocked } from './pull-lock.ts'
import { type RemoteFacts, RemoteFile, type RemoteInit } from './remote-file.ts'
import { RETRY, Retries, type RetryPolicy, TransientError } from './retry.ts'

export interface DownloadProgress {
  readonly phase: 'fetching' | 'checking'
  readonly done: number
  /** null when the server does not say. */
  readonly total: number | null
  /** What an earlier run had fetched. */
  readonly resumed: number
}

export interface DownloadInit extends RemoteInit {
  /** Where the file goes. */
  readonly target: string
  readonly connections: number
  readonly signal: AbortSignal
  /** Known beforehand, from the registry or the command line. */
  readonly sha256?: { readonly value: string; readonly from: string } | null
  /** How the file must begin, looked at before the rest is fetched. */
  readonly magic?: string
  /** Largest that is taken; lengths that nobody announced count, too. */
  readonly mostBytes?: number
  readonly onProgress?: (progress: DownloadProgress) => void
  readonly onNotice?: (text: string) => void
  readonly retry?: RetryPolicy
  readonly chunkBytes?: number
  readonly statfs?: Statfs
}

export interface Downloaded {
  readonly bytes: number
  readonly sha256: string
  /** Who vouches for the checksum: `registry`, `--sha256`, `hub`; null = nobody, the file is as it came. */
  readonly checkedBy: string | null
}

/**
 * Fetches one file: finds out about it, looks for room, goes on with what an earlier run left, compares the checksum, and
 * gives it its name only then. Whatever ends it, what came is kept, unless its checksum is wrong.
 * @throws {ModelError}
 */
export async function download(init: DownloadInit): Promise<Downloaded> {
  const { target } = init
  try {
    await mkdir(dirname(target), { recursive: true, mode: 0o700 })
  } catch (error) {
    throw writeError(error, dirname(target))
  }
  return whileLocked(target, async () => {
    try {
      return await downloadLocked(init)
    } catch (error) {
      if (init.signal.aborted) throw init.signal.reason
      if (error instanceof TransientError) throw new ModelError(error.code, error.message, { cause: error })
      throw error
    }
  })
}

async function downloadLocked(init: DownloadInit): Promise<Downloaded> {
  const { target, signal, onNotice = () => {}, retry = RETRY } = init
  signal.throwIfAborted()
  const remote = new RemoteFile(init)
  const facts = await probe(remote, signal, retry)
  const expected = expectedChecksum(init, facts, remote)
  checkBeginning(init, facts, remote)
  const identity = {
    url: remote.shownUrl,
    size: facts.size,
    // Nothing else tells two files of one size apart.
    validator: expected?.value ?? facts.validator,
  }
  const part = await PartFile.open(target, identity)
  let isKept = true
  try {
    if (facts.size !== null)
      await needSpace(dirname(target), facts.size - (facts.ranges ? part.resumed : 0), init.statfs)
    const bytes = await fetchAll(remote, part, facts, init)
    await part.finish(bytes)
    isKept = false
    const sha256 = await checkedSum(part.path, bytes, init)
    if (expected !== null && sha256 !== expected.value) {
      await removePart(target)
      throw new ModelError(
        'CHECKSUM_MISMATCH',
        `what came from ${remote.shownUrl} has the SHA-256 ${sha256}, and ${expected.from} says ${expected.value}: it is broken or another file, and was deleted; run the same command again, or try another host (--host)`,
      )
    }
    await commitPart(target)
    if (expected === null) onNotice('nothing says what its checksum should be: the file is taken as it came')
    return { bytes, sha256, checkedBy: expected?.from ?? null }
  } catch (error) {
    if (error instanceof ModelError && error.code === 'SOURCE_CHANGED') {
      isKept = false
      await part.keep()
      await removePart(target)
    }
    throw error
  } finally {
    if (isKept) await part.keep()
  }
}

async function probe(remote: RemoteFile, signal: AbortSignal, policy: RetryPolicy): Promise<RemoteFacts> {
  const retries = new Retries({ ...policy, tries: Math.min(policy.tries, 4) })
  for (;;) {
    try {
      return await remote.probe(signal)
    } catch (error) {
      if (!(error instanceof TransientError)) throw error
      await retries.next(error, signal)
    }
  }
}

async function fetchAll(
  remote: RemoteFile,
  part: PartFile,
  facts: RemoteFacts,
  init: DownloadInit,
): Promise<number> {
  const { signal, connections, chunkBytes, retry = RETRY, onProgress, onNotice, mostBytes } = init
  const most = mostBytes ?? Number.POSITIVE_INFINITY
  const report = () => {
    const done = part.ranges.bytes
    if (done > most) throw tooLarge(remote, most)
    onProgress?.({ phase: 'fetching', done, total: facts.size, resumed: part.resumed })
  }
  if (facts.size !== null && facts.size > most) throw tooLarge(remote, most)
  const options: FetchOptions = {
    signal,
    connections,
    retry,
    onBytes: report,
    onRetry: ({ message }) => onNotice?.(`${message}; trying again`),
    ...(chunkBytes !== undefined && { chunkBytes }),
  }
  report()
  if (facts.ranges && facts.size !== null) {
    try {
      await fetchRanges(remote, part, facts.size, options)
      return facts.size
    } catch (error) {
      if (!(error instanceof RangesIgnored)) throw error
    }
  }
  onNotice?.('this server sends no parts of files: one connection, and it cannot be resumed')
  return fetchWhole(remote, part, options)
}

function expectedChecksum(
  { sha256: known = null }: DownloadInit,
  { sha256 }: RemoteFacts,
  remote: RemoteFile,
): { value: string; from: string } | null {
  if (known === null) return sha256 === null ? null : { value: sha256, from: 'hub' }
  if (sha256 !== null && sha256 !== known.value)
    throw new ModelError(
      'CHECKSUM_MISMATCH',
      `the hub announces ${remote.shownUrl} with the SHA-256 ${sha256}, and ${known.from} says ${known.value}: it is another file, and was not fetched`,
    )
  return known
}

function checkBeginning({ magic }: DownloadInit, { head }: RemoteFacts, remote: RemoteFile): void {
  if (magic === undefined || head === null) return
  const text = Buffer.from(head).toString('latin1')
  if (!text.startsWith(magic))
    throw new ModelError(
      'NOT_A_MODEL',
      `${remote.shownUrl} begins with ${JSON.stringify(text)} and not with ${magic}: it is no GGUF file, perhaps the page about it`,
    )
}

async function checkedSum(
  path: string,
  bytes: number,
  { signal, onProgress }: DownloadInit,
): Promise<string> {
  let done = 0
  return sha256Of(path, signal, (more) => {
    done += more
    onProgress?.({ phase: 'checking', done, total: bytes, resumed: 0 })
  })
}

function tooLarge(remote: RemoteFile, most: number): ModelError {
  return new ModelError(
    'NOT_A_MODEL',
    `${remote.shownUrl} has more than ${most} bytes: it is not what it should be`,
  )
}

/** Deletes a finished file that turned out to be none. */
export async function discardDownload(target: string): Promise<void> {
  if (existsSync(target)) await rm(target)
}
