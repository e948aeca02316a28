/**
 * Turns token bytes into text as they come. Bytes of a character that is not complete yet are held back, so no piece ever
 * holds half a character; bytes that can never become one give U+FFFD, as everywhere on the Web.
 */
export class TextStream {
  readonly #decoder = new TextDecoder('utf-8', { ignoreBOM: true })

  /** @returns the text that these bytes complete, often the whole token's, sometimes none */
  push(bytes: Uint8Array): string {
    return this.#decoder.decode(bytes, { stream: true })
  }
}
