import { ModelError } from './model-error.ts'
import type { PartFile } from './part-file.ts'
import type { ByteRange } from './range-set.ts'
import type { RemoteBody, RemoteFile } from './remote-file.ts'
import { Retries, type RetryPolicy, TransientError } from './retry.ts'

/** What one request asks for: large against its round trip, small against a model. */
const CHUNK_BYTES = 16 * 1024 * 1024

export interface FetchOptions {
  readonly connections: number
  readonly retry: RetryPolicy
  readonly signal: AbortSignal
  readonly onBytes: () => void
  /** Told of what goes wrong and is tried again. */
  readonly onRetry: (error: TransientError) => void
  readonly chunkBytes?: number
}

/**
 * Fetches what is missing of a file over several connections.
 * @throws {RangesIgnored} when the server sends the whole file after all
 */
export async function fetchRanges(
  remote: RemoteFile,
  part: PartFile,
  size: number,
  options: FetchOptions,
): Promise<void> {
  const { connections, chunkBytes = CHUNK_BYTES } = options
  const queue = part.ranges.gaps(size, chunkBytes)
  // The first that fails ends the others.
  const failed = new AbortController()
  const signal = AbortSignal.any([options.signal, failed.signal])
  const worker = async () => {
    try {
      for (let range = queue.shift(); range !== undefined; range = queue.shift())
        await fetchRange(remote, part, range, { ...options, signal })
    } catch (error) {
      failed.abort(error)
      throw error
    }
  }
  const workers = Array.from({ length: Math.min(connections, queue.length) }, worker)
  await Promise.allSettled(workers)
  if (options.signal.aborted) throw options.signal.reason
  if (failed.signal.aborted) throw failed.signal.reason
}

async function fetchRange(
  remote: RemoteFile,
  part: PartFile,
  { start, end }: ByteRange,
  { signal, retry, onBytes, onRetry }: FetchOptions,
): Promise<void> {
  const retries = new Retries(retry)
  let at = start
  while (at < end) {
    try {
      const body = await remote.open({ start: at, end }, signal)
      for await (const { position, bytes } of placed(body, remote)) {
        await part.write(position, bytes)
        at = position + bytes.length
        retries.progressed()
        onBytes()
      }
      if (at < (body.end ?? end))
        throw new TransientError('BROKEN_OFF', `${remote.shownUrl} ends at byte ${at} of ${body.end}`)
    } catch (error) {
      if (!(error instanceof TransientError)) throw error
      onRetry(error)
      await retries.next(error, signal)
    }
  }
}

/** Fetches the whole file over one connection, from the start at every try. @returns its size */
export async function fetchWhole(
  remote: RemoteFile,
  part: PartFile,
  { signal, retry, onBytes, onRetry }: Omit<FetchOptions, 'connections' | 'chunkBytes'>,
): Promise<number> {
  // Progress is lost with the connection here, so that it must not give more tries.
  const retries = new Retries(retry)
  for (;;) {
    try {
      await part.reset()
      const body = await remote.open(null, signal)
      let at = 0
      for await (const { position, bytes } of placed(body, remote)) {
        await part.write(position, bytes)
        at = position + bytes.length
        onBytes()
      }
      if (body.end !== null && at < body.end)
        throw new TransientError('BROKEN_OFF', `${remote.shownUrl} ends at byte ${at} of ${body.end}`)
      return at
    } catch (error) {
      if (!(error instanceof TransientError)) throw error
      onRetry(error)
      await retries.next(error, signal)
    }
  }
}

/** The bytes of a body with their places in the file. @throws {ModelError} SERVER_LIED when more come than were announced */
async function* placed(
  { start, end, chunks }: RemoteBody,
  remote: RemoteFile,
): AsyncGenerator<{ position: number; bytes: Uint8Array }> {
  let position = start
  for await (const bytes of chunks) {
    if (end !== null && position + bytes.length > end)
      throw new ModelError(
        'SERVER_LIED',
        `${remote.shownUrl} sends more than the ${end - start} bytes that it announced: try another host (--host)`,
      )
    yield { position, bytes }
    position += bytes.length
  }
}
