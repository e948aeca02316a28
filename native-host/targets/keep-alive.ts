/** Milliseconds of each unit, as Go's durations name them: ollama's clients write these. */
const UNITS: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  μs: 1e-3,
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
}

const NUMBER = String.raw`\d+(?:\.\d*)?|\.\d+`
const UNIT = 'ns|us|µs|μs|ms|s|m|h'
const DURATION = new RegExp(`^(?:(?:${NUMBER})(?:${UNIT}))+$`)
const PART = new RegExp(`(${NUMBER})(${UNIT})`, 'g')
/** A text longer than this is no duration that anybody wrote. */
const LONGEST = 64

/**
 * How long a model stays after its last request, in milliseconds: 0 = not at all, Infinity = for ever.
 *
 * Takes what ollama's `keep_alive` takes: a number of seconds, the same as text (`"300"`), or a duration (`"5m"`,
 * `"1h30m"`, `"500ms"`); anything negative means for ever.
 *
 * @returns null when it is none of these
 */
export function parseKeepAlive(value: unknown): number | null {
  if (typeof value === 'number') return Number.isNaN(value) ? null : milliseconds(value * 1000)
  if (typeof value !== 'string' || value.length > LONGEST) return null
  const text = value.trim()
  const [sign, size] = /^[+-]/.test(text) ? [text[0], text.slice(1)] : ['+', text]
  const signed = (ms: number) => milliseconds(sign === '-' ? -ms : ms)
  if (new RegExp(`^(?:${NUMBER})$`).test(size)) return signed(Number(size) * 1000)
  if (!DURATION.test(size)) return null
  let ms = 0
  for (const [, number, unit] of size.matchAll(PART)) ms += Number(number) * UNITS[unit!]!
  return signed(ms)
}

function milliseconds(ms: number): number {
  return ms < 0 ? Number.POSITIVE_INFINITY : ms
}
