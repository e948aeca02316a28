import { EngineError } from './engine-error.ts'

/** Longest string in the metadata, in bytes; chat templates have some kB. */
const MAX_TEXT = 16 * 1024 * 1024

/** Sequential little-endian reads that never pass the end. */
export class GgufCursor {
  readonly bytes: Uint8Array
  readonly #view: DataView
  readonly #decoder = new TextDecoder('utf-8', { ignoreBOM: true })
  offset = 0

  constructor(bytes: Uint8Array) {
    this.bytes = bytes
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }

  get left(): number {
    return this.bytes.length - this.offset
  }

  /** Moves past `count` bytes and returns where they start. @throws GGUF_TRUNCATED naming `what` */
  take(count: number, what: string): number {
    if (count > this.left) {
      throw new EngineError(
        'GGUF_TRUNCATED',
        `the file ends inside its ${what} (offset ${this.offset}, ${count} bytes expected, ${this.left} left): fetch it again`,
      )
    }
    const start = this.offset
    this.offset += count
    return start
  }

  u8(what: string): number {
    return this.#view.getUint8(this.take(1, what))
  }

  u16(what: string): number {
    return this.#view.getUint16(this.take(2, what), true)
  }

  u32(what: string): number {
    return this.#view.getUint32(this.take(4, what), true)
  }

  /** A 64-bit number that has to be used as a size or an offset. @throws GGUF_INVALID beyond 2^53 − 1 */
  size(what: string): number {
    const value = this.#view.getBigUint64(this.take(8, what), true)
    if (value > BigInt(Number.MAX_SAFE_INTEGER)) {
      throw new EngineError('GGUF_INVALID', `${what} at offset ${this.offset - 8} holds ${value}, too large`)
    }
    return Number(value)
  }

  u64(what: string): bigint {
    return this.#view.getBigUint64(this.take(8, what), true)
  }

  i64(what: string): bigint {
    return this.#view.getBigInt64(this.take(8, what), true)
  }

  i8(what: string): number {
    return this.#view.getInt8(this.take(1, what))
  }

  i16(what: string): number {
    return this.#view.getInt16(this.take(2, what), true)
  }

  i32(what: string): number {
    return this.#view.getInt32(this.take(4, what), true)
  }

  f32(what: string): number {
    return this.#view.getFloat32(this.take(4, what), true)
  }

  f64(what: string): number {
    return this.#view.getFloat64(this.take(8, what), true)
  }

  /** Length-prefixed UTF-8; invalid bytes become U+FFFD. */
  text(what: string, limit = MAX_TEXT): string {
    const length = this.size(what)
    const start = this.take(length, what)
    if (length > limit) {
      throw new EngineError('GGUF_INVALID', `a ${what} of ${length} bytes; at most ${limit} are allowed`)
    }
    return this.#decoder.decode(this.bytes.subarray(start, start + length))
  }
}
