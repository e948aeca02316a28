/**
 * GPT-2's printable alphabet for bytes, which byte-level BPE vocabularies are written in: the printable bytes of Latin-1
 * stand for themselves, the other 68 for U+0100 upwards in order (openai/gpt-2, encoder.py, bytes_to_unicode).
 */
const isPrintable = (byte: number) =>
  (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae

const BYTE_OF = new Map<string, number>()
{
  let next = 0x100
  for (let byte = 0; byte < 256; byte++) {
    BYTE_OF.set(String.fromCharCode(isPrintable(byte) ? byte : next++), byte)
  }
}

const encoder = new TextEncoder()

/** The bytes that a vocabulary entry stands for; its own UTF-8 when it has a character outside the alphabet. */
export function bytesOfPiece(piece: string): Uint8Array<ArrayBuffer> {
  const bytes = Uint8Array.from(piece, (character) => BYTE_OF.get(character) ?? 0)
  const foreign = [...piece].some((character) => !BYTE_OF.has(character))
  return foreign ? encoder.encode(piece) : bytes
}
