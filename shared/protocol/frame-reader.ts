import { ProtocolError } from './protocol-error.ts'

const FIRST_BUFFER_BYTES = 512

/**
 * Cuts a byte stream into length-prefixed frames (unsigned varint, then that many bytes). Pure: chunks in, frames out.
 * Memory: at most one frame of `maxBytes`, allocated as its bytes come, not when its length is announced.
 */
export class FrameReader {
  readonly #maxBytes: number
  readonly #maxLengthBytes: number
  #length = 0
  #lengthBytes = 0
  #lengthKnown = false
  #frame = new Uint8Array(0)
  #have = 0

  constructor(maxBytes: number, maxLengthBytes: number) {
    this.#maxBytes = maxBytes
    this.#maxLengthBytes = maxLengthBytes
  }

  /** A frame has begun and not ended. */
  get partial(): boolean {
    return this.#lengthBytes > 0
  }

  /** Frames completed by `chunk`, in order. @throws {ProtocolError} FRAME_LENGTH; the stream is then useless. */
  *push(chunk: Uint8Array): Generator<Uint8Array> {
    let at = 0
    while (at < chunk.byteLength) {
      if (!this.#lengthKnown) {
        this.#lengthByte(chunk[at++] as number)
        if (this.#lengthKnown && this.#length === 0) yield this.#take()
        continue
      }
      const part = chunk.subarray(at, at + this.#length - this.#have)
      at += part.byteLength
      this.#append(part)
      if (this.#have === this.#length) yield this.#take()
    }
  }

  #lengthByte(byte: number): void {
    this.#length |= (byte & 0x7f) << (7 * this.#lengthBytes)
    this.#lengthBytes++
    if (byte < 0x80) {
      if (this.#length > this.#maxBytes) {
        throw new ProtocolError('FRAME_LENGTH', `a frame of ${this.#length} bytes, at most ${this.#maxBytes}`)
      }
      this.#lengthKnown = true
    } else if (this.#lengthBytes >= this.#maxLengthBytes) {
      throw new ProtocolError(
        'FRAME_LENGTH',
        `a frame's length takes more than ${this.#maxLengthBytes} bytes`,
      )
    }
  }

  /** The buffer doubles as bytes come: a peer that announces much and sends little costs little. */
  #append(part: Uint8Array): void {
    const need = this.#have + part.byteLength
    if (need > this.#frame.byteLength) {
      const size = Math.min(this.#length, Math.max(need, 2 * this.#frame.byteLength, FIRST_BUFFER_BYTES))
      const grown = new Uint8Array(size)
      grown.set(this.#frame.subarray(0, this.#have))
      this.#frame = grown
    }
    this.#frame.set(part, this.#have)
    this.#have = need
  }

  #take(): Uint8Array {
    const frame = this.#frame
    this.#length = 0
    this.#lengthBytes = 0
    this.#lengthKnown = false
    this.#frame = new Uint8Array(0)
    this.#have = 0
    return frame
  }
}

/** A frame as it goes on the stream: its length as a varint, then its bytes. */
export function withLength(frame: Uint8Array): Uint8Array {
  const length: number[] = []
  for (let rest = frame.byteLength; ; rest >>>= 7) {
    if (rest < 0x80) {
      length.push(rest)
      break
    }
    length.push((rest & 0x7f) | 0x80)
  }
  const out = new Uint8Array(length.length + frame.byteLength)
  out.set(length)
  out.set(frame, length.length)
  return out
}
