import type { AnswerPiece } from '../../shared/protocol/generate-frames.ts'
import { LIMITS } from '../../shared/protocol/limits.ts'

/** Pieces as they fit Tokens frames, in order; their texts joined stay the same. */
export function* tokensFrames(pieces: readonly AnswerPiece[]): Generator<AnswerPiece[], void, void> {
  let frame: AnswerPiece[] = []
  let characters = 0
  for (const piece of pieces.flatMap((one) => [...cut(one)])) {
    const [{ length }] = piece
    if (frame.length >= LIMITS.tokensPieces || characters + length > LIMITS.tokensCharacters) {
      yield frame
      frame = []
      characters = 0
    }
    frame.push(piece)
    characters += length
  }
  if (frame.length > 0) yield frame
}

/** A piece longer than a frame, in parts; between the two halves of a character it is never cut. */
function* cut([text, by]: AnswerPiece): Generator<AnswerPiece, void, void> {
  let from = 0
  while (text.length - from > LIMITS.tokensCharacters) {
    let end = from + LIMITS.tokensCharacters
    if (/[\ud800-\udbff]/.test(text.charAt(end - 1))) end--
    yield [text.slice(from, end), by]
    from = end
  }
  yield [text.slice(from), by]
}
