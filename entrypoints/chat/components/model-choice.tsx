import type { ModelChoice as Choice } from '../source/chat-source.ts'

interface Props {
  readonly models: readonly Choice[]
  /** null: the one that is loaded. */
  readonly chosen: string | null
  readonly onChange: (id: string | null) => void
}

/** Which model answers next; shown where there is more than one. */
export function ModelChoice({ models, chosen, onChange }: Props) {
  if (models.length < 2) return null
  const loaded = models.find(({ isLoaded }) => isLoaded)
  return (
    <select
      className="model-choice"
      aria-label="Model"
      title="The model that answers: another one is loaded when it is asked for"
      value={chosen ?? ''}
      onChange={(event) => onChange(event.target.value === '' ? null : event.target.value)}
    >
      <option value="">{loaded ? `The loaded one: ${nameOf(loaded)}` : 'The Oracle’s own'}</option>
      {models.map((model) => (
        <option key={model.id} value={model.id}>
          {nameOf(model)}
        </option>
      ))}
    </select>
  )
}

/** Titles are anybody's: the id tells two of one title apart. */
function nameOf({ id, name }: Choice): string {
  return name === null || name === id ? id : `${name} (${id})`
}

/** A model that is no longer there is not asked for. */
export function available(models: readonly Choice[], preferred: string | null): string | null {
  return models.some(({ id }) => id === preferred) ? preferred : null
}
