import { type ReactNode, useEffect, useRef, useState } from 'react'
import { usePlace } from '../place.ts'
import { DEFAULTS, isSeed, type Preferences } from '../preferences.ts'
import type { NodeState } from '../use-node.ts'
import { CloseIcon } from './icons.tsx'

interface Props {
  readonly preferences: Preferences
  readonly node: NodeState
  readonly onChange: (preferences: Preferences) => void
  readonly onClose: () => void
}

export function SettingsDialog({ preferences, node, onChange, onClose }: Props) {
  const dialog = useRef<HTMLDialogElement>(null)
  const [seed, setSeed] = useState(preferences.seed ?? '')
  const badSeed = seed !== '' && !isSeed(seed)
  const place = usePlace()
  const set = (change: Partial<Preferences>) => onChange({ ...preferences, ...change })

  useEffect(() => dialog.current?.showModal(), [])
  return (
    <dialog ref={dialog} className="settings" aria-labelledby="settings-title" onClose={onClose}>
      <header>
        <h2 id="settings-title">Settings</h2>
        <button
          type="button"
          className="icon-button"
          aria-label="Close"
          onClick={() => dialog.current?.close()}
        >
          <CloseIcon />
        </button>
      </header>
      <Row name="Temperature" hint="0 always takes the likeliest word; more is livelier.">
        <input
          type="range"
          min="0"
          max="2"
          step="0.1"
          aria-label="Temperature"
          value={preferences.temperature}
          onChange={(event) => set({ temperature: Number(event.target.value) })}
        />
        <output>{preferences.temperature.toFixed(1)}</output>
      </Row>
      <Row name="Longest answer" hint="In tokens; empty: as far as the context reaches.">
        <input
          type="number"
          min="1"
          step="1"
          aria-label="Longest answer in tokens"
          value={preferences.maxTokens ?? ''}
          onChange={(event) => {
            const value = Math.floor(Number(event.target.value))
            set({ maxTokens: event.target.value === '' || value < 1 ? null : value })
          }}
        />
      </Row>
      <Row
        name="Seed"
        hint={
          badSeed
            ? 'A whole number of 64 bits, please.'
            : 'The same seed gives the same answer; empty: a new one each time.'
        }
        bad={badSeed}
      >
        <input
          type="text"
          inputMode="numeric"
          aria-label="Seed"
          aria-invalid={badSeed}
          placeholder="random"
          value={seed}
          onChange={(event) => {
            const text = event.target.value.trim()
            setSeed(text)
            if (text === '' || isSeed(text)) set({ seed: text === '' ? null : text })
          }}
        />
      </Row>
      <Row
        name="Who may help"
        hint={`Your Oracle allows: ${node.facts?.scope ?? 'unknown'}. A request can only narrow that.`}
      >
        <select
          aria-label="Who may help"
          value={preferences.scope ?? ''}
          onChange={(event) => set({ scope: (event.target.value || null) as Preferences['scope'] })}
        >
          <option value="">As the Oracle allows</option>
          <option value="own">Only my own Scouts</option>
          <option value="none">Nobody</option>
        </select>
      </Row>
      {place.asksForKey && (node.problem === 'key' || preferences.apiKey !== '') && (
        <Row name="API key" hint="The setting api.key of your Oracle; kept in this browser.">
          <input
            type="password"
            aria-label="API key"
            autoComplete="off"
            value={preferences.apiKey}
            onChange={(event) => set({ apiKey: event.target.value })}
          />
        </Row>
      )}
      {place.optionsHref !== null && (
        <Row name="Scout Mode and Oracles" hint="Whom you ask and draft for, and what this computer gives.">
          <a className="button" href={place.optionsHref}>
            Shard settings
          </a>
        </Row>
      )}
      <footer>
        <button
          type="button"
          className="button quiet"
          onClick={() => {
            setSeed('')
            onChange({ ...DEFAULTS, theme: preferences.theme, apiKey: preferences.apiKey })
          }}
        >
          Back to defaults
        </button>
        <button type="button" className="button" onClick={() => dialog.current?.close()}>
          Done
        </button>
      </footer>
    </dialog>
  )
}

interface RowProps {
  readonly name: string
  readonly hint: string
  readonly bad?: boolean
  readonly children: ReactNode
}

function Row({ name, hint, bad = false, children }: RowProps) {
  return (
    <div className="row">
      <div>
        <span className="row-name">{name}</span>
        <p className="hint" data-bad={bad}>
          {hint}
        </p>
      </div>
      <div className="row-control">{children}</div>
    </div>
  )
}
