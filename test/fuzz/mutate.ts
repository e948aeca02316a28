import type { Random } from '../support/random.ts'

/** Numbers at which parsers break. */
const NUMBERS = [
  0n,
  1n,
  2n,
  3n,
  31n,
  33n,
  64n,
  255n,
  65_536n,
  0x7fff_ffffn,
  0xffff_ffffn,
  1n << 32n,
  1n << 62n,
  1n << 63n,
  0xffff_ffff_ffff_ffffn,
]

/** A copy of `seed` with one to four random changes, most of them where the header is. */
export function mutate(seed: Uint8Array, random: Random): Uint8Array {
  let bytes = Uint8Array.from(seed)
  const header = Math.min(bytes.length, 2600)
  for (let change = random.integer(4); change >= 0; change--) {
    if (bytes.length < 16) return bytes
    const at = random.integer(random.uniform() < 0.8 ? Math.min(header, bytes.length) : bytes.length)
    const view = new DataView(bytes.buffer)
    switch (random.integer(6)) {
      case 0:
        bytes[at] = bytes[at]! ^ (1 << random.integer(8))
        break
      case 1:
        bytes[at] = random.integer(256)
        break
      case 2:
        if (at + 4 <= bytes.length) view.setUint32(at, Number(random.pick(NUMBERS) & 0xffff_ffffn), true)
        break
      case 3:
        if (at + 8 <= bytes.length) view.setBigUint64(at, random.pick(NUMBERS), true)
        break
      case 4:
        if (random.uniform() < 0.3) bytes = bytes.slice(0, at)
        break
      default: {
        const from = random.integer(bytes.length)
        bytes.copyWithin(at, from, from + random.integer(64))
      }
    }
  }
  return bytes
}
