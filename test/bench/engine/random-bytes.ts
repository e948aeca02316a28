import { createCipheriv, createHash } from 'node:crypto'

/** Gigabytes of random bytes a second, the same for the same label: AES-128 in counter mode, keyed with the label's hash. */
export class RandomBytes {
  readonly #cipher
  #zeros = new Uint8Array(0)

  constructor(label: string) {
    const key = createHash('sha256').update(label).digest().subarray(0, 16)
    this.#cipher = createCipheriv('aes-128-ctr', key, new Uint8Array(16))
  }

  bytes(count: number): Uint8Array {
    if (this.#zeros.length < count) this.#zeros = new Uint8Array(count)
    return this.#cipher.update(this.#zeros.subarray(0, count))
  }

  words(count: number): Uint16Array {
    const bytes = this.bytes(2 * count)
    const { buffer, byteOffset } = bytes.byteOffset % 2 === 0 ? bytes : bytes.slice()
    return new Uint16Array(buffer, byteOffset, count)
  }
}
