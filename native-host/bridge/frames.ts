import { endianness } from 'node:os'

/** Framing is lost: where the next message begins is unknown. */
export class FrameError extends Error {
  override readonly name = 'FrameError'
  readonly code: 'TOO_LARGE' | 'TRUNCATED'

  constructor(code: FrameError['code'], message: string) {
    super(message)
    this.code = code
  }
}

/** Native messaging puts a message's length (4 bytes, as this machine orders them) before its JSON. */
const HEADER_BYTES = 4
const LITTLE = endianness() === 'LE'

/** Frames out of chunks, wherever these are cut; never holds more than one frame. */
export class FrameReader {
  readonly #limit: number
  readonly #header = Buffer.alloc(HEADER_BYTES)
  #headerFilled = 0
  #body: Buffer | null = null
  #bodyFilled = 0

  constructor(limitBytes: number) {
    this.#limit = limitBytes
  }

  /** @returns the frames that this chunk completes @throws {FrameError} TOO_LARGE */
  *push(chunk: Uint8Array): Generator<Buffer> {
    let at = 0
    for (;;) {
      if (this.#body === null) {
        const some = chunk.subarray(at, at + HEADER_BYTES - this.#headerFilled)
        this.#header.set(some, this.#headerFilled)
        this.#headerFilled += some.length
        at += some.length
        if (this.#headerFilled < HEADER_BYTES) return
        this.#body = Buffer.alloc(this.#checkedLength())
      }
      const some = chunk.subarray(at, at + this.#body.length - this.#bodyFilled)
      this.#body.set(some, this.#bodyFilled)
      this.#bodyFilled += some.length
      at += some.length
      if (this.#bodyFilled < this.#body.length) return
      const frame = this.#body
      this.#body = null
      this.#bodyFilled = 0
      this.#headerFilled = 0
      yield frame
    }
  }

  /** Nothing more will come. @throws {FrameError} TRUNCATED */
  end(): void {
    if (this.#headerFilled === 0) return
    const missing = this.#body
      ? `${this.#body.length - this.#bodyFilled} of ${this.#body.length} bytes of its body`
      : `${HEADER_BYTES - this.#headerFilled} bytes of its length`
    throw new FrameError('TRUNCATED', `the input ended in the middle of a message: ${missing} are missing`)
  }

  #checkedLength(): number {
    const length = LITTLE ? this.#header.readUInt32LE() : this.#header.readUInt32BE()
    if (length <= this.#limit) return length
    throw new FrameError(
      'TOO_LARGE',
      `a message of ${length} bytes came, and at most ${this.#limit} are read: this is not the extension speaking`,
    )
  }
}

/** One message with its length before it. @throws {FrameError} TOO_LARGE */
export function encodeFrame(message: object, limitBytes: number): Buffer {
  const body = Buffer.from(JSON.stringify(message))
  if (body.length > limitBytes)
    throw new FrameError('TOO_LARGE', `a message has ${body.length} bytes, and browsers take ${limitBytes}`)
  const frame = Buffer.alloc(HEADER_BYTES + body.length)
  if (LITTLE) frame.writeUInt32LE(body.length)
  else frame.writeUInt32BE(body.length)
  frame.set(body, HEADER_BYTES)
  return frame
}
