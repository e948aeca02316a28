const COUNT = new Intl.NumberFormat('en')

export function count(value: number): string {
  return COUNT.format(value)
}

/** Such as `1 Oracle`, `1,200 tokens`. */
export function counted(value: number, noun: string): string {
  return `${count(value)} ${noun}${value === 1 ? '' : 's'}`
}

/** @param share 0 … 1 */
export function percent(share: number): string {
  return `${Math.round(100 * Math.min(1, Math.max(0, share)))} %`
}

const UNITS = ['B', 'kB', 'MB', 'GB', 'TB'] as const

/** Decimal units, as browsers show downloads. */
export function bytes(value: number): string {
  let unit = 0
  let amount = value
  while (amount >= 1000 && unit < UNITS.length - 1) {
    amount /= 1000
    unit++
  }
  return `${amount < 10 && unit > 0 ? amount.toFixed(1) : Math.round(amount)} ${UNITS[unit]}`
}

export function seconds(value: number): string {
  if (value < 90) return `${Math.max(1, Math.round(value))} s`
  return `${Math.round(value / 60)} min`
}
