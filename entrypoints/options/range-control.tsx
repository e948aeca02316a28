import { useEffect, useState } from 'react'

interface Props {
  readonly id: string
  readonly value: number
  readonly min: number
  readonly max: number
  readonly unit: string
  readonly describedBy: string
  readonly onChange: (value: number) => void
}

/** A drag passes many values: what it comes to rest at is what counts. */
const REST_MS = 200

export function RangeControl({ id, value, min, max, unit, describedBy, onChange }: Props) {
  const [shown, setShown] = useState(value)
  useEffect(() => setShown(value), [value])
  // biome-ignore lint/correctness/useExhaustiveDependencies: only a new value begins a new rest
  useEffect(() => {
    if (shown === value) return
    const timer = setTimeout(() => onChange(shown), REST_MS)
    return () => clearTimeout(timer)
  }, [shown])
  return (
    <div className="row-control">
      <input
        id={id}
        type="range"
        min={min}
        max={max}
        step={1}
        value={shown}
        aria-describedby={describedBy}
        aria-valuetext={`${shown} ${unit}`}
        onChange={(event) => setShown(Number(event.target.value))}
      />
      <output htmlFor={id}>
        {shown} {unit}
      </output>
    </div>
  )
}
