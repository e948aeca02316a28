/** Noncharacters that no text for interchange holds (Unicode 16, section 23.7). */
const NONCHARACTERS = Array.from({ length: 32 }, (_, i) => String.fromCharCode(0xfdd0 + i))

/**
 * Keeps text that spells a marker (`<|end|>`) from becoming that marker when it passes through a chat template: a
 * noncharacter that occurs nowhere else is put inside every spelled marker, and where the edge of the text could complete
 * one together with what the template writes beside it. `strip` takes it out again.
 */
export class MarkerShield {
  readonly #markers: readonly string[]
  readonly #seal: string

  /** @param markers spellings of the special tokens @param texts everything that will be shielded */
  constructor(markers: readonly string[], texts: readonly string[]) {
    this.#markers = markers
    this.#seal = unusedCharacter(texts)
  }

  shield(text: string): string {
    let out = text
    for (const marker of this.#markers) {
      out = out.replaceAll(marker, marker[0] + this.#seal + marker.slice(1))
    }
    // Templates may trim, so edges are looked at without the space around them.
    const body = out.trim()
    const start = out.indexOf(body)
    const before = this.#markers.some((marker) => hasSuffixAt(marker, body))
    const after = this.#markers.some((marker) => hasPrefixAt(marker, body))
    return (
      out.slice(0, start) +
      (before ? this.#seal : '') +
      body +
      (after ? this.#seal : '') +
      out.slice(start + body.length)
    )
  }

  strip(text: string): string {
    return text.replaceAll(this.#seal, '')
  }
}

/** Whether `text` starts with an end of `marker`. */
function hasSuffixAt(marker: string, text: string): boolean {
  for (let i = 1; i < marker.length; i++) if (text.startsWith(marker.slice(i))) return true
  return false
}

/** Whether `text` ends with a beginning of `marker`. */
function hasPrefixAt(marker: string, text: string): boolean {
  for (let i = 1; i < marker.length; i++) if (text.endsWith(marker.slice(0, i))) return true
  return false
}

/** One noncharacter, or, against texts that hold them all, a run of them longer than any in the texts. */
function unusedCharacter(texts: readonly string[]): string {
  const free = NONCHARACTERS.find((character) => !texts.some((text) => text.includes(character)))
  if (free !== undefined) return free
  const [first] = NONCHARACTERS as [string]
  const second = NONCHARACTERS[1]!
  let seal = first + second
  while (texts.some((text) => text.includes(seal))) seal = seal.replace(first, first + first)
  return seal
}
