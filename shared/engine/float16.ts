const bits = new Uint32Array(1)
const float = new Float32Array(bits.buffer)

/** Rounds a float32 value to the nearest that binary16 holds, ties to even, as F16C does; too large becomes infinite. */
export function roundToHalf(value: number): number {
  const magnitude = Math.abs(value)
  if (magnitude < 2 ** -14) {
    // Subnormal in binary16: multiples of 2^-24, which adding 1.5 · 2^28 in float64 leaves.
    const rounded = magnitude + 1.5 * 2 ** 28 - 1.5 * 2 ** 28
    return value < 0 || Object.is(value, -0) ? -rounded : rounded
  }
  if (!(magnitude < 65520)) return Number.isNaN(value) ? value : value > 0 ? Infinity : -Infinity
  float[0] = value
  bits[0] = (bits[0]! + 0xfff + ((bits[0]! >>> 13) & 1)) & ~0x1fff
  return float[0]!
}

/** The value of a binary16 given by its 16 bits. */
export function halfToNumber(half: number): number {
  const sign = half & 0x8000 ? -1 : 1
  const exponent = (half >> 10) & 31
  const fraction = half & 0x3ff
  if (exponent === 0) return sign * fraction * 2 ** -24
  if (exponent === 31) return fraction === 0 ? sign * Infinity : Number.NaN
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15)
}
