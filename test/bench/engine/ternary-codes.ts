import type { TernaryType } from '../../support/pack-ternary.ts'

/*
 * Ternary weights by the gigabyte: a table turns 16 random bits into eight of them, and the tensor types are made from
 * these with a few operations a byte. `pack-ternary.ts` packs any weights, one by one, and is what this is tested against.
 *
 * Codes (weight + 1) stand as in TQ2_0: of 128 weights w, byte p holds w[p], w[32 + p], w[64 + p], w[96 + p], lowest bits
 * first. `halves` has the binary16 scale of each such 128.
 */
export const GROUP_WEIGHTS = 128
const GROUP_BYTES = GROUP_WEIGHTS / 4

const CODES_OF_BITS = Uint16Array.from({ length: 0x10000 }, (_, bits) => {
  let codes = 0
  for (let place = 0, rest = bits; place < 16; place += 2, rest = Math.floor(rest / 3)) {
    codes |= (rest % 3) << place
  }
  return codes
})

/** Random bits to codes, in place; of 3^8 combinations the first are likelier by a tenth. */
export function toCodes(words: Uint16Array): void {
  for (let i = 0; i < words.length; i++) words[i] = CODES_OF_BITS[words[i]!]!
}

type Encode = (codes: Uint8Array, halves: Uint16Array, out: Uint8Array) => void

/** Into the bytes of a tensor's blocks. Blocks of 256 take the scale of their first 128; I2_S none. */
export const ENCODE: Readonly<Record<TernaryType, Encode>> = {
  I2_S: (codes, _, out) => {
    for (let i = 0; i < codes.length; i++) out[i] = REVERSED[codes[i]!]!
  },
  TQ2_0: (codes, halves, out) => {
    for (let from = 0, to = 0, group = 0; from < codes.length; from += 64, to += 66, group += 2) {
      out.set(codes.subarray(from, from + 64), to)
      putHalf(out, to + 64, halves[group]!)
    }
  },
  Q2_0: (codes, halves, out) => {
    for (let from = 0, to = 0, group = 0; from < codes.length; from += GROUP_BYTES, to += 36, group++) {
      putHalf(out, to, halves[group]!)
      putHalf(out, to + 18, halves[group]!)
      neighbours(codes, from, 0, out, to + 2)
      neighbours(codes, from, 2, out, to + 10)
      neighbours(codes, from, 4, out, to + 20)
      neighbours(codes, from, 6, out, to + 28)
    }
  },
  'Q2_0 of 128': (codes, halves, out) => {
    for (let from = 0, to = 0, group = 0; from < codes.length; from += GROUP_BYTES, to += 34, group++) {
      putHalf(out, to, halves[group]!)
      for (let place = 0; place < 8; place += 2) neighbours(codes, from, place, out, to + 2 + 4 * place)
    }
  },
  TQ1_0: (codes, halves, out) => {
    for (let from = 0, to = 0, group = 0; from < codes.length; from += 64, to += 54, group += 2) {
      const second = from + GROUP_BYTES
      for (let m = 0; m < 32; m++) {
        out[to + m] = TRITS[FOUR[codes[from + m]!]! * 3 + (codes[second + m]! & 3)]!
      }
      for (let m = 0; m < 16; m++) {
        const a = codes[second + m]!
        const b = codes[second + 16 + m]!
        // Weights 160 + m + 16n: of 32 and more in the second half, from the bytes m and 16 + m in turn.
        const first = ((a >> 2) & 3) * 81 + ((b >> 2) & 3) * 27 + ((a >> 4) & 3) * 9
        out[to + 32 + m] = TRITS[first + ((b >> 4) & 3) * 3 + (a >> 6)]!
      }
      for (let m = 0; m < 4; m++) {
        const at = second + 16 + m
        const first = (codes[at]! >> 6) * 81 + (codes[at + 4]! >> 6) * 27
        out[to + 48 + m] = TRITS[first + (codes[at + 8]! >> 6) * 9 + (codes[at + 12]! >> 6) * 3]!
      }
      putHalf(out, to + 52, halves[group]!)
    }
  },
}

/** The four codes of a byte in the opposite order: I2_S has the first in the highest bits. */
const REVERSED = Uint8Array.from(
  { length: 256 },
  (_, byte) => ((byte & 3) << 6) | ((byte & 12) << 2) | ((byte & 48) >> 2) | (byte >> 6),
)

/** The four codes of a byte as a number to base 3, the first most significant. */
const FOUR = Uint8Array.from(
  { length: 256 },
  (_, byte) => (byte & 3) * 27 + ((byte >> 2) & 3) * 9 + ((byte >> 4) & 3) * 3 + (byte >> 6),
)

/** Five trits as TQ1_0 stores them. */
const TRITS = Uint8Array.from({ length: 243 }, (_, value) => Math.ceil((value * 256) / 243))

/** The 32 codes in bits `place` of 32 bytes, four neighbours to a byte. */
function neighbours(codes: Uint8Array, from: number, place: number, out: Uint8Array, to: number): void {
  for (let q = 0; q < 8; q++) {
    const at = from + 4 * q
    out[to + q] =
      ((codes[at]! >> place) & 3) |
      (((codes[at + 1]! >> place) & 3) << 2) |
      (((codes[at + 2]! >> place) & 3) << 4) |
      (((codes[at + 3]! >> place) & 3) << 6)
  }
}

function putHalf(out: Uint8Array, at: number, half: number): void {
  out[at] = half & 255
  out[at + 1] = half >> 8
}
