interface Values {
  readonly hashMap: Record<
    string,
    { readonly value: number; readonly labels: Record<string, string | number> }
  >
}

/** prom-client's `get` is asynchronous; inside a pass the value is needed at once. */
function values(metric: object): Values['hashMap'][string][] {
  return Object.values((metric as Values).hashMap)
}

/** Of a gauge without labels. */
export function gauge(metric: object): number {
  return values(metric)[0]?.value ?? 0
}

/** Of a counter, over all that bear these labels. */
export function counter(metric: object, labels: Record<string, string> = {}): number {
  return values(metric)
    .filter((entry) => Object.entries(labels).every(([name, value]) => entry.labels[name] === value))
    .reduce((sum, entry) => sum + entry.value, 0)
}
