/** The last seconds decide: connections change their minds. */
const WINDOW_MS = 8_000

/** Bytes per second over the last seconds. Told the time, so that it can be tested. */
export class Speedometer {
  readonly #points: { readonly at: number; readonly bytes: number }[] = []

  /** @param bytes how many there are by now; fewer than before begin anew */
  add(bytes: number, at: number): void {
    if (bytes < (this.#points.at(-1)?.bytes ?? 0)) this.#points.length = 0
    this.#points.push({ at, bytes })
    while (this.#points.length > 2 && at - this.#points[1]!.at >= WINDOW_MS) this.#points.shift()
  }

  /** null before there is anything to tell */
  bytesPerSecond(): number | null {
    const [first, last] = [this.#points[0], this.#points.at(-1)]
    if (first === undefined || last === undefined || last.at - first.at < 200) return null
    return ((last.bytes - first.bytes) * 1000) / (last.at - first.at)
  }
}
