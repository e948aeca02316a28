import { ApiError } from './api-error.ts'

/** Requests nest four deep (messages, message, content, part); more is an attack on a recursive reader. */
const DEEPEST = 32

/** The JSON of a request, integers of `seed` exact as bigint. @throws {ApiError} 400, 413, 415 */
export async function readJson(request: Request, maxBytes: number): Promise<Record<string, unknown>> {
  const type = request.headers.get('content-type') ?? ''
  if (!/^application\/json\s*(;|$)/i.test(type))
    throw new ApiError(415, `the body must be application/json, not ${type.slice(0, 100) || 'untyped'}`, {
      code: 'unsupported_media_type',
    })
  const encoding = request.headers.get('content-encoding')
  if (encoding && encoding.toLowerCase() !== 'identity')
    throw new ApiError(415, `the body must not be compressed (${encoding.slice(0, 40)})`, {
      code: 'unsupported_media_type',
    })
  return parseJson(decode(await readBytes(request, maxBytes)))
}

async function readBytes(request: Request, maxBytes: number): Promise<Uint8Array> {
  const tooLong = () =>
    new ApiError(413, `the body is longer than ${maxBytes} bytes (setting api.max_body_kib)`, {
      code: 'request_too_large',
      // What follows of the body is not read: this connection is of no further use.
      headers: { Connection: 'close' },
    })
  if (Number(request.headers.get('content-length') ?? 0) > maxBytes) throw tooLong()
  const chunks: Uint8Array[] = []
  let length = 0
  if (request.body) {
    try {
      for await (const chunk of request.body as unknown as AsyncIterable<Uint8Array>) {
        length += chunk.byteLength
        if (length > maxBytes) throw tooLong()
        chunks.push(chunk)
      }
    } catch (error) {
      if (error instanceof ApiError) throw error
      throw new ApiError(400, 'the body could not be read to its end', {
        code: 'incomplete_body',
        cause: error,
      })
    }
  }
  return Buffer.concat(chunks, length)
}

function decode(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch (cause) {
    throw new ApiError(400, 'the body is not valid UTF-8', { code: 'invalid_utf8', cause })
  }
}

/** Exported for tests. */
export function parseJson(text: string): Record<string, unknown> {
  if (tooDeep(text))
    throw new ApiError(400, `the JSON nests deeper than ${DEEPEST} levels`, { code: 'invalid_json' })
  let value: unknown
  try {
    value = JSON.parse(text, keepSeed as (key: string, value: unknown) => unknown)
  } catch (cause) {
    const why = cause instanceof Error ? cause.message.slice(0, 200) : ''
    throw new ApiError(400, `the body is not valid JSON: ${why}`, { code: 'invalid_json', cause })
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new ApiError(400, 'the body must be a JSON object', { code: 'invalid_json' })
  return value as Record<string, unknown>
}

/** A double holds 53 bits of a seed, a seed has 64: its digits are taken from the source text. */
function keepSeed(key: string, value: unknown, context: { readonly source?: string }): unknown {
  if (key === 'seed' && typeof value === 'number' && /^-?\d{1,20}$/.test(context.source ?? ''))
    return BigInt(context.source!)
  return value
}

function tooDeep(text: string): boolean {
  let depth = 0
  let inString = false
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i)
    if (inString) {
      if (c === 0x5c) i++
      else if (c === 0x22) inString = false
    } else if (c === 0x22) inString = true
    else if (c === 0x7b || c === 0x5b) {
      if (++depth > DEEPEST) return true
    } else if (c === 0x7d || c === 0x5d) depth--
  }
  return false
}
