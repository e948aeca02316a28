import { bytesOfPiece } from './byte-alphabet.ts'
import { EngineError } from './engine-error.ts'
import type { Gguf } from './gguf.ts'

const encoder = new TextEncoder()

/** Token types of llama.cpp's vocabularies that carry text: normal (1) and single byte (6). The others are special or unused. */
const TEXT_TYPES: ReadonlySet<unknown> = new Set([1, 6])

/** A vocabulary entry that takes part in the hash. */
export interface HashedToken {
  readonly id: number
  readonly bytes: Uint8Array
}

/**
 * SHA-256 (hex) over, for every token in rising id: id (u32 LE), byte length (u32 LE), bytes. Two models may draft for each
 * other only when theirs are equal. Special and padding tokens must not be among `tokens`.
 */
export async function hashTokens(tokens: readonly HashedToken[]): Promise<string> {
  const size = tokens.reduce((sum, { bytes }) => sum + 8 + bytes.length, 0)
  const message = new Uint8Array(size)
  const view = new DataView(message.buffer)
  let offset = 0
  for (const { id, bytes } of tokens) {
    view.setUint32(offset, id, true)
    view.setUint32(offset + 4, bytes.length, true)
    message.set(bytes, offset + 8)
    offset += 8 + bytes.length
  }
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', message))
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('')
}

/**
 * The hash of a GGUF's own vocabulary; of nothing when it has none. Vocabularies not written in GPT-2's alphabet count with
 * their UTF-8. @throws {EngineError} GGUF_INVALID
 */
export function hashGgufTokenizer(gguf: Gguf): Promise<string> {
  const pieces = gguf.metadata.get('tokenizer.ggml.tokens') ?? []
  const types = gguf.metadata.get('tokenizer.ggml.token_type')
  if (!Array.isArray(pieces) || pieces.some((piece) => typeof piece !== 'string')) {
    throw new EngineError('GGUF_INVALID', 'metadata "tokenizer.ggml.tokens" should be an array of strings')
  }
  if (types !== undefined && (!Array.isArray(types) || types.length !== pieces.length)) {
    throw new EngineError(
      'GGUF_INVALID',
      'metadata "tokenizer.ggml.token_type" should have one number per token',
    )
  }
  const byteLevel = (gguf.metadata.get('tokenizer.ggml.model') ?? 'gpt2') === 'gpt2'
  const tokens = (pieces as string[])
    .map((piece, id) => ({ id, bytes: byteLevel ? bytesOfPiece(piece) : encoder.encode(piece) }))
    .filter(({ id }) => types === undefined || TEXT_TYPES.has((types as unknown[])[id]))
  return hashTokens(tokens)
}
