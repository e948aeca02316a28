/** The binary16 bits of a number within its normal range, rounded to nearest, ties away from zero. */
export function halfBits(value: number): number {
  if (value === 0) return 0
  const sign = value < 0 ? 0x8000 : 0
  const magnitude = Math.abs(value)
  let exponent = Math.floor(Math.log2(magnitude))
  let fraction = Math.round((magnitude / 2 ** exponent - 1) * 1024)
  if (fraction === 1024) {
    exponent++
    fraction = 0
  }
  if (exponent < -14 || exponent > 15) throw new Error(`${value} is outside binary16's normal range`)
  return sign | ((exponent + 15) << 10) | fraction
}
