import { open } from 'node:fs/promises'
import { EngineError } from '../../shared/engine/engine-error.ts'
import { type Gguf, parseGguf } from '../../shared/engine/gguf.ts'
import { ModelError } from './model-error.ts'

/** Metadata of large vocabularies and their merges take some MB. */
const FIRST_READ = 16 * 1024 * 1024

/**
 * Metadata and directory of a GGUF file of any size, checked against it; the tensors' data are not read.
 * @throws {ModelError} CANNOT_READ @throws {EngineError} GGUF_TRUNCATED, GGUF_INVALID, GGUF_UNSUPPORTED
 */
export async function readGgufHead(path: string): Promise<{ gguf: Gguf; bytes: number }> {
  const file = await open(path, 'r').catch((cause: Error) => {
    throw new ModelError('CANNOT_READ', `cannot read ${path}: ${cause.message}`, { cause })
  })
  try {
    const { size } = await file.stat()
    for (let wanted = FIRST_READ; ; wanted *= 4) {
      const length = Math.min(wanted, size)
      const { buffer, bytesRead } = await file.read(new Uint8Array(length), 0, length, 0)
      try {
        return { gguf: parseGguf(buffer.subarray(0, bytesRead), size), bytes: size }
      } catch (error) {
        // The head may be longer than what was read.
        const isShort = error instanceof EngineError && error.code === 'GGUF_TRUNCATED'
        if (!isShort || length === size) throw error
      }
    }
  } finally {
    await file.close()
  }
}
