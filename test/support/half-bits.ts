/** The binary16 bits of a number within its range, rounded to nearest, ties away from zero. */
export function halfBits(value: number): number {
  if (value === 0) return 0
  const sign = value < 0 ? 0x8000 : 0
  const magnitude = Math.abs(value)
  if (magnitude < 2 ** -14) return sign | Math.round(magnitude * 2 ** 24)
  let exponent = Math.floor(Math.log2(magnitude))
  let fraction = Math.round((magnitude / 2 ** exponent - 1) * 1024)
  if (fraction === 1024) {
    exponent++
    fraction = 0
  }
  if (exponent > 15) throw new Error(`${value} is outside binary16's range`)
  return sign | ((exponent + 15) << 10) | fraction
}

/** What binary16 bits of a finite number stand for. */
export function halfValue(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1
  const exponent = (bits >> 10) & 31
  const fraction = (bits & 1023) / 1024
  return exponent === 0 ? sign * fraction * 2 ** -14 : sign * (1 + fraction) * 2 ** (exponent - 15)
}
