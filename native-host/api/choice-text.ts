import type { EmittedToken } from '../../shared/engine/engine.ts'
import type { GeneratedToken } from '../oracle/generation.ts'
import { StopStrings } from './stop-strings.ts'
import type { TextCodec } from './text-codec.ts'

/** A stretch of an answer by one author. Texts of all pieces joined are the answer. */
export interface TextPiece {
  readonly text: string
  /** The worker that drafted it, or null: the Oracle's own. */
  readonly by: string | null
  /** The token that ends with this piece; absent where a piece is only the first part of its token's text. */
  readonly token?: EmittedToken
}

interface Held {
  /** Where its token's text begins; `start` is where what is left of it does. */
  readonly begin: number
  readonly start: number
  readonly end: number
  readonly text: string
  readonly by: string | null
  readonly token: EmittedToken
}

interface Decision {
  readonly text: string
  /** Characters of the answer that may be shown after this token. */
  readonly shown: number
  /** A stop string begins there: the rest is never shown. */
  readonly cut: boolean
}

/**
 * One choice's text: bytes of tokens to characters, stop strings, and what may be shown yet.
 * `decide` runs inside the Oracle as tokens are emitted, `take` as its events arrive; both see the same order.
 */
export class ChoiceText {
  readonly #codec: TextCodec
  readonly #ends: ReadonlySet<number>
  readonly #stops: StopStrings
  readonly #decoder = new TextDecoder('utf-8', { ignoreBOM: true })
  readonly #decided: Decision[] = []
  readonly #held: Held[] = []
  #length = 0
  #cut = false

  constructor(codec: TextCodec, endTokens: readonly number[], stops: readonly string[]) {
    this.#codec = codec
    this.#ends = new Set(endTokens)
    this.#stops = new StopStrings(stops)
  }

  /** True when a stop string is complete with this token. */
  decide(token: EmittedToken): boolean {
    const text = this.#ends.has(token.id)
      ? ''
      : this.#decoder.decode(this.#codec.tokenBytes(token.id), { stream: true })
    const { shown, cut } = this.#stops.push(text)
    this.#decided.push({ text, shown, cut })
    return cut
  }

  /** What may be shown once this token has arrived. */
  take(token: GeneratedToken): TextPiece[] {
    const decision = this.#decided.shift()
    if (!decision) throw new Error('a token arrived that was never decided')
    const start = this.#length
    this.#length += decision.text.length
    if (!this.#ends.has(token.id))
      this.#held.push({ begin: start, start, end: this.#length, text: decision.text, by: token.by, token })
    this.#cut = decision.cut
    return this.#release(decision.shown)
  }

  /** The rest, when generation has ended. */
  finish(): TextPiece[] {
    if (this.#cut) return []
    const rest = this.#release(this.#length)
    const broken = this.#decoder.decode()
    // Bytes of a character that never became complete.
    return broken === '' ? rest : [...rest, { text: broken, by: null }]
  }

  #release(shown: number): TextPiece[] {
    const pieces: TextPiece[] = []
    for (let first = this.#held[0]; first; first = this.#held[0]) {
      const { begin, start, end, text, by, token } = first
      if (this.#cut && start >= shown) {
        // Its shown part has gone out already, without its token.
        if (begin < start) pieces.push({ text: '', by, token })
        break
      }
      if (start > shown || (start === shown && end > start)) break
      if (end <= shown) {
        pieces.push({ text, by, token })
        this.#held.shift()
        continue
      }
      const part = text.slice(0, shown - start)
      if (!this.#cut) {
        pieces.push({ text: part, by })
        this.#held[0] = { ...first, start: shown, text: text.slice(shown - start) }
      } else {
        pieces.push({ text: part, by, token })
        this.#held.length = 0
      }
      break
    }
    return pieces
  }
}
