import type { Gauge } from 'prom-client'

/** One Oracle's share of a gauge: several loaded models add up to what `/metrics` shows. */
export class GaugeShare<L extends string = never> {
  readonly #gauge: Gauge<L>
  readonly #labels: Partial<Record<L, string>>
  #value = 0

  constructor(gauge: Gauge<L>, labels: Partial<Record<L, string>> = {}) {
    this.#gauge = gauge
    this.#labels = labels
  }

  set(value: number): void {
    this.#gauge.inc(this.#labels, value - this.#value)
    this.#value = value
  }
}
