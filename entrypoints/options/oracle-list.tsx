import { useState } from 'react'
import type { ExtensionState } from '../background/state.ts'
import { CloseIcon } from '../chat/components/icons.tsx'
import { JoinField } from '../pages/components/join-field.tsx'
import { describeOracle } from '../pages/describe-oracle.ts'
import type { ExtensionFeed } from '../pages/extension-feed.ts'
import { peerIdOf, transportsOf, withOracle, withoutOracle } from '../pages/oracle-entries.ts'
import { shortPeerId, TRANSPORT_NAMES } from '../pages/peer-names.ts'
import { SavedMark } from './saved-mark.tsx'
import type { OracleEntry, SettingFacts } from './settings.ts'
import type { Save, Saving } from './use-saving.ts'

/** The button that was pressed is gone with its row. */
const takeFocus = (element: HTMLElement | null) => element?.focus()

interface Props {
  readonly facts: SettingFacts
  readonly state: ExtensionState
  readonly saving: Saving | null
  readonly feed: ExtensionFeed
  readonly save: Save
}

/** The Oracles that this Scout drafts for, how each takes it, and a field for one more. */
export function OracleList({ facts, state, saving, feed, save }: Props) {
  const [removed, setRemoved] = useState<OracleEntry | null>(null)
  const { oracles } = state.settings
  const add = async (entry: OracleEntry) => {
    // A list that is full says so at the field, before anything is stored.
    withOracle(oracles, entry)
    setRemoved(null)
    await save('oracles', () => feed.revise('oracles', (list) => withOracle(list, entry)))
  }
  const remove = (entry: OracleEntry) => {
    setRemoved(entry)
    void save('oracles', () => feed.revise('oracles', (list) => withoutOracle(list, peerIdOf(entry))))
  }
  return (
    <section className="row oracles" aria-labelledby="oracles-title" data-setting="oracles">
      <div>
        <h3 className="row-name" id="oracles-title">
          {facts.label}
        </h3>
        <SavedMark saving={saving?.key === 'oracles' ? saving : null} />
        <p className="hint">{facts.help}</p>
      </div>
      {oracles.length > 0 && (
        <ul className="oracle-list" aria-label="Listed Oracles">
          {oracles.map((entry) => (
            <OracleRow key={peerIdOf(entry)} entry={entry} state={state} onRemove={() => remove(entry)} />
          ))}
        </ul>
      )}
      {removed && (
        <p className="removed">
          Removed <code>{shortPeerId(peerIdOf(removed))}</code>.
          <button ref={takeFocus} type="button" className="button quiet" onClick={() => void add(removed)}>
            Undo
          </button>
        </p>
      )}
      <JoinField onAdd={add} />
    </section>
  )
}

interface RowProps {
  readonly entry: OracleEntry
  readonly state: ExtensionState
  readonly onRemove: () => void
}

function OracleRow({ entry, state, onRemove }: RowProps) {
  const peer = peerIdOf(entry)
  const { state: how, title, help, tone } = describeOracle(entry, state)
  return (
    <li className="oracle" data-oracle={peer} data-state={how}>
      <span className="dot" data-tone={tone} />
      <div>
        <p className="oracle-name">
          <code title={peer}>{shortPeerId(peer)}</code>
          {transportsOf(entry).map((transport) => (
            <span key={transport} className="chip">
              {TRANSPORT_NAMES[transport]}
            </span>
          ))}
        </p>
        <p className="oracle-state">{title}</p>
        {help && <p className="hint">{help}</p>}
      </div>
      <button
        type="button"
        className="icon-button small"
        aria-label={`Remove Oracle ${shortPeerId(peer)}`}
        title="Remove"
        onClick={onRemove}
      >
        <CloseIcon />
      </button>
    </li>
  )
}
