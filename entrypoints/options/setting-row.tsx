import { useId } from 'react'
import { Switch } from '../pages/components/switch.tsx'
import type { FormField } from './form-field.ts'
import { RangeControl } from './range-control.tsx'
import { SavedMark } from './saved-mark.tsx'
import type { Settings } from './settings.ts'
import type { Saving } from './use-saving.ts'

interface Props {
  readonly field: FormField
  readonly value: Settings[keyof Settings]
  readonly saving: Saving | null
  readonly onChange: (value: boolean | number | string) => void
}

/** One setting with the control that its type asks for. */
export function SettingRow({ field, value, saving, onChange }: Props) {
  const id = useId()
  const { key, facts, control } = field
  const { label, help, unit, choices, notes } = facts
  if (control.kind === 'switch')
    return (
      <div className="row" data-setting={key}>
        <Switch label={label} hint={help} isOn={value === true} onChange={onChange} />
        <SavedMark saving={saving} />
      </div>
    )
  if (control.kind === 'choice')
    return (
      <fieldset className="row choice" data-setting={key} aria-describedby={`${id}-hint`}>
        <legend className="row-name">{label}</legend>
        <SavedMark saving={saving} />
        <p className="hint" id={`${id}-hint`}>
          {help}
        </p>
        {control.options.map((option) => (
          <label key={option} className="option">
            <input
              type="radio"
              name={key}
              value={option}
              checked={value === option}
              onChange={() => onChange(option)}
            />
            {choices?.[option] ?? option}
          </label>
        ))}
        <p className="note" aria-live="polite" data-tone={notes?.[String(value)]?.tone}>
          {notes?.[String(value)]?.text}
        </p>
      </fieldset>
    )
  if (control.kind === 'range')
    return (
      <div className="row" data-setting={key}>
        <div>
          <label className="row-name" htmlFor={id}>
            {label}
          </label>
          <SavedMark saving={saving} />
          <p className="hint" id={`${id}-hint`}>
            {help}
          </p>
        </div>
        <RangeControl
          id={id}
          value={Number(value)}
          min={control.min}
          max={control.max}
          unit={unit ?? ''}
          describedBy={`${id}-hint`}
          onChange={onChange}
        />
      </div>
    )
  return null
}
