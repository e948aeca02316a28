import { discard, type Linked, lengthOf, readLinked, shown, validatorOf } from './answer-headers.ts'
import { RangesIgnored, StallGuard } from './connection.ts'
import { statusError } from './http-status.ts'
import type { Hub } from './hub.ts'
import { ModelError } from './model-error.ts'
import type { ByteRange } from './range-set.ts'
import { TransientError } from './retry.ts'

/** The hub takes two or three; more is a loop. */
const MOST_REDIRECTS = 8
/** A connection that brings nothing for so long is given up, and its range asked for again. */
export const STALL_MS = 30_000
/** Larger than any model, far below what numbers hold. */
const MOST_BYTES = 2 ** 42

export interface RemoteInit {
  readonly url: string
  readonly hub: Hub
  readonly stallMs?: number
  readonly fetch?: typeof fetch
}

/** What a server says about a file before it sends it. */
export interface RemoteFacts {
  /** null = it does not say. */
  readonly size: number | null
  /** Whether it sends parts. */
  readonly ranges: boolean
  /** The hub's own checksum. */
  readonly sha256: string | null
  /** Changes when the file does; null = it gives none. */
  readonly validator: string | null
  /** The file's first bytes, where ranges work. */
  readonly head: Uint8Array | null
}

/** An answer whose body is (a part of) the file. */
export interface RemoteBody {
  /** The part that comes; `end` is null when the server does not say. */
  readonly start: number
  readonly end: number | null
  readonly chunks: AsyncIterable<Uint8Array>
}

/** A file on a server: follows redirects, checks what comes against what was asked for, and retries nothing. */
export class RemoteFile {
  readonly shownUrl: string
  readonly #url: URL
  readonly #hub: Hub
  readonly #stallMs: number
  readonly #fetch: typeof fetch
  /** Where redirects led to; it may expire. */
  #resolved: URL | null = null
  #size: number | null = null
  #validator: string | null = null

  constructor({ url, hub, stallMs = STALL_MS, fetch: fetcher = fetch }: RemoteInit) {
    this.#url = new URL(url)
    this.#hub = hub
    this.#stallMs = stallMs
    this.#fetch = fetcher
    this.shownUrl = shown(this.#url)
  }

  /** @throws {ModelError}, {TransientError}, AbortError */
  async probe(signal: AbortSignal): Promise<RemoteFacts> {
    const guard = new StallGuard(signal, this.#stallMs)
    try {
      const linked: Linked = { sha256: null, size: null }
      const response = await this.#request({ start: 0, end: 4 }, guard, linked)
      const facts = response.status === 206 ? await this.#partFacts(response, guard) : wholeFacts(response)
      if (facts.size !== null && facts.size > MOST_BYTES)
        throw this.#lied(`says the file has ${facts.size} bytes`)
      if (linked.size !== null && facts.size !== null && linked.size !== facts.size)
        throw this.#lied(`says the file has ${linked.size} bytes, and then ${facts.size}`)
      this.#size = facts.size
      this.#validator = validatorOf(response)
      return { ...facts, sha256: linked.sha256, validator: linked.sha256 ?? this.#validator }
    } catch (error) {
      throw guard.explain(error, this.shownUrl)
    } finally {
      guard.end()
    }
  }

  /**
   * @param range null asks for the whole file
   * @throws {ModelError}, {TransientError}, {RangesIgnored}, AbortError; the chunks, too
   */
  async open(range: ByteRange | null, signal: AbortSignal): Promise<RemoteBody> {
    const guard = new StallGuard(signal, this.#stallMs)
    try {
      const response = await this.#request(range, guard, null)
      const part = range === null ? this.#wholePart(response) : this.#askedPart(response, range)
      const { body } = response
      if (body === null) throw new TransientError('BROKEN_OFF', `${this.shownUrl} sends nothing`)
      return { ...part, chunks: this.#chunks(body, guard) }
    } catch (error) {
      guard.end()
      this.#resolved = null
      throw guard.explain(error, this.shownUrl)
    }
  }

  async *#chunks(body: ReadableStream<Uint8Array>, guard: StallGuard): AsyncGenerator<Uint8Array> {
    try {
      for await (const chunk of body) {
        guard.feed()
        yield chunk
        guard.feed()
      }
    } catch (error) {
      this.#resolved = null
      throw guard.explain(error, this.shownUrl)
    } finally {
      guard.end()
    }
  }

  async #request(range: ByteRange | null, guard: StallGuard, linked: Linked | null): Promise<Response> {
    const cached = linked === null ? this.#resolved : null
    let url = cached ?? this.#url
    for (let redirects = 0; ; redirects++) {
      const headers = {
        // A compressed answer's lengths and ranges would not be the file's.
        'Accept-Encoding': 'identity',
        'User-Agent': 'shard',
        ...(range && { Range: `bytes=${range.start}-${range.end - 1}` }),
        ...this.#hub.headersFor(url),
      }
      const response = await this.#fetch(url, { headers, redirect: 'manual', signal: guard.signal })
      guard.feed()
      if (linked !== null && this.#hub.owns(url)) readLinked(response, linked)
      if (response.status >= 300 && response.status < 400 && response.status !== 304) {
        const to = this.#redirect(url, response, redirects)
        await discard(response)
        url = to
        continue
      }
      if (response.status === 200 || response.status === 206) {
        const encoding = response.headers.get('content-encoding') ?? 'identity'
        if (encoding !== 'identity') {
          await discard(response)
          throw new ModelError(
            'SERVER_FAILED',
            `${shown(url)} sends the file as ${encoding} though asked not to`,
          )
        }
        this.#resolved = url
        return response
      }
      await discard(response)
      // A signed address that has expired: the original one gives another.
      if (url === cached && response.status >= 400 && response.status < 500 && response.status !== 429) {
        this.#resolved = null
        return this.#request(range, guard, linked)
      }
      if (response.status === 416)
        throw this.#lied(
          `has no bytes ${range?.start} to ${range?.end} of a file of ${this.#size ?? 'any size'}`,
        )
      throw statusError(response.status, {
        url: shown(url),
        retryAfter: response.headers.get('retry-after'),
        withToken: 'Authorization' in headers,
        fromHub: this.#hub.owns(url),
      })
    }
  }

  #redirect(from: URL, response: Response, redirects: number): URL {
    const location = response.headers.get('location') ?? ''
    if (redirects >= MOST_REDIRECTS)
      throw new ModelError('BAD_REDIRECT', `${this.shownUrl} redirects more than ${MOST_REDIRECTS} times`)
    const to = URL.canParse(location, from.href) ? new URL(location, from) : null
    if (to === null || (to.protocol !== 'https:' && to.protocol !== 'http:'))
      throw new ModelError(
        'BAD_REDIRECT',
        `${shown(from)} redirects to ${JSON.stringify(location.slice(0, 200))}`,
      )
    if (from.protocol === 'https:' && to.protocol === 'http:' && this.#hub.isSecure)
      throw new ModelError(
        'BAD_REDIRECT',
        `${shown(from)} redirects from https to ${shown(to)}, where everybody on the way may change the file: refused`,
      )
    to.username = ''
    to.password = ''
    return to
  }

  async #partFacts(
    response: Response,
    guard: StallGuard,
  ): Promise<Omit<RemoteFacts, 'sha256' | 'validator'>> {
    const { start, end, size } = this.#contentRange(response)
    if (start !== 0 || end > 4) {
      await discard(response)
      throw this.#lied(`was asked for bytes 0 to 4 and sends ${start} to ${end}`)
    }
    const head: number[] = []
    for await (const chunk of response.body ?? []) {
      guard.feed()
      head.push(...chunk.subarray(0, end - head.length))
      if (head.length >= end) break
    }
    return { size, ranges: true, head: Uint8Array.from(head) }
  }

  #contentRange(response: Response): { start: number; end: number; size: number } {
    const header = response.headers.get('content-range') ?? ''
    const match = /^bytes (\d{1,15})-(\d{1,15})\/(\d{1,15})$/.exec(header.trim())
    if (match === null)
      throw this.#lied(`answers 206 with Content-Range ${JSON.stringify(header.slice(0, 80))}`)
    const [start, last, size] = match.slice(1).map(Number) as [number, number, number]
    if (last < start || last >= size) throw this.#lied(`answers with the impossible range ${header}`)
    return { start, end: last + 1, size }
  }

  #askedPart(response: Response, range: ByteRange): { start: number; end: number } {
    if (response.status === 200) {
      void discard(response)
      throw new RangesIgnored(this.shownUrl)
    }
    try {
      const { start, end, size } = this.#contentRange(response)
      if (this.#size !== null && size !== this.#size) throw this.#changed(`${this.#size} bytes, then ${size}`)
      this.#checkValidator(response)
      // Fewer bytes than asked for are fine: the rest is asked for again.
      if (start !== range.start || end > range.end)
        throw this.#lied(`was asked for bytes ${range.start} to ${range.end} and sends ${start} to ${end}`)
      return { start, end }
    } catch (error) {
      void discard(response)
      throw error
    }
  }

  #wholePart(response: Response): { start: number; end: number | null } {
    const size = lengthOf(response)
    try {
      if (response.status === 206)
        throw this.#lied('answers with a part of a file that was asked for as a whole')
      if (this.#size !== null && size !== null && size !== this.#size)
        throw this.#changed(`${this.#size} bytes, then ${size}`)
      this.#checkValidator(response)
    } catch (error) {
      void discard(response)
      throw error
    }
    return { start: 0, end: size ?? this.#size }
  }

  #checkValidator(response: Response): void {
    const now = validatorOf(response)
    if (this.#validator !== null && now !== null && now !== this.#validator)
      throw this.#changed(`version ${this.#validator}, then ${now}`)
  }

  #lied(what: string): ModelError {
    return new ModelError(
      'SERVER_LIED',
      `${this.shownUrl} ${what}: such a server cannot be trusted with a download; try another host (--host)`,
    )
  }

  #changed(what: string): ModelError {
    return new ModelError(
      'SOURCE_CHANGED',
      `${this.shownUrl} changed while it was fetched (${what}): run the same command again, it begins anew`,
    )
  }
}

function wholeFacts(response: Response): Omit<RemoteFacts, 'sha256' | 'validator'> {
  void discard(response)
  return { size: lengthOf(response), ranges: false, head: null }
}
