const LETTERS = 26
const BYTES = 256

/** All bytes in GPT-2's alphabet, then pieces of two and more letters, then the end marker. */
export function vocabulary(size: number): string[] {
  const shown = (byte: number) => (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174
  let next = BYTES
  const bytes = Array.from({ length: BYTES }, (_, byte) => String.fromCharCode(shown(byte) ? byte : next++))
  const pieces = Array.from({ length: size - BYTES - 1 }, (_, i) => piece(i))
  return [...bytes, ...pieces, '<|end|>']
}

/** `i` in base 26, lowest digit first: no two are the same. */
function piece(i: number): string {
  const letters: number[] = []
  for (let rest = i; letters.length < 2 || rest > 0; rest = Math.floor(rest / LETTERS)) {
    letters.push(97 + (rest % LETTERS))
  }
  return String.fromCharCode(...letters)
}
