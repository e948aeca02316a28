import { type Ref, useId } from 'react'

interface Props {
  readonly label: string
  readonly hint?: string
  readonly isOn: boolean
  readonly isLarge?: boolean
  readonly onChange: (isOn: boolean) => void
  readonly ref?: Ref<HTMLInputElement>
}

/** A setting that is on or off; its words are part of what can be clicked. */
export function Switch({ label, hint, isOn, isLarge = false, onChange, ref }: Props) {
  const id = useId()
  return (
    <div className="switch-row" data-large={isLarge}>
      <div>
        <label className="row-name" htmlFor={id}>
          {label}
        </label>
        {hint && (
          <p className="hint" id={`${id}-hint`}>
            {hint}
          </p>
        )}
      </div>
      <input
        ref={ref}
        id={id}
        type="checkbox"
        role="switch"
        className="switch"
        checked={isOn}
        aria-checked={isOn}
        aria-describedby={hint ? `${id}-hint` : undefined}
        onChange={(event) => onChange(event.target.checked)}
      />
    </div>
  )
}
