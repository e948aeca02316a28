import { Mark } from '../chat/components/icons.tsx'
import { describe } from '../pages/describe.ts'
import type { ExtensionFeed } from '../pages/extension-feed.ts'
import { useExtension } from '../pages/use-extension.ts'
import { usePeerId } from '../pages/use-peer-id.ts'
import { type FormField, formFields } from './form-field.ts'
import { LocalOracle } from './local-oracle.tsx'
import { OracleList } from './oracle-list.tsx'
import { SavedMark } from './saved-mark.tsx'
import { SettingRow } from './setting-row.tsx'
import { DEFAULT_SETTINGS, type SettingGroup } from './settings.ts'
import { ThisScout } from './this-scout.tsx'
import { useSaving } from './use-saving.ts'

const GROUPS: readonly { readonly group: SettingGroup; readonly title: string }[] = [
  { group: 'scouting', title: 'Scouting' },
  { group: 'computer', title: 'This computer' },
  { group: 'model', title: 'Model and local Oracle' },
]
const FIELDS = formFields()

interface Props {
  readonly feed: ExtensionFeed
  readonly version: string
}

export function OptionsPage({ feed, version }: Props) {
  const state = useExtension(feed)
  const { saving, save } = useSaving()
  const status = describe(state)
  const peerId = usePeerId(state.scout)
  const field = ({ key, facts, control }: FormField) =>
    control.kind === 'oracles' ? (
      <OracleList key={key} facts={facts} state={state} saving={saving} feed={feed} save={save} />
    ) : (
      <SettingRow
        key={key}
        field={{ key, facts, control }}
        value={state.settings[key]}
        saving={saving?.key === key ? saving : null}
        onChange={(value) => void save(key, () => feed.update({ [key]: value }))}
      />
    )
  return (
    <div className="options" data-phase={status.phase}>
      <header className="options-head">
        <h1 className="brand">
          <Mark /> Shard settings
        </h1>
        <a className="button" href="/chat.html">
          Open the chat
        </a>
      </header>
      <main>
        {GROUPS.map(({ group, title }) => (
          <section key={group} className="group" aria-labelledby={`group-${group}`}>
            <h2 id={`group-${group}`}>{title}</h2>
            <div className="card rows">
              {FIELDS.filter(({ facts }) => facts.group === group).map(field)}
              {group === 'model' && <LocalOracle host={state.host} feed={feed} />}
            </div>
          </section>
        ))}
        <section className="group" aria-labelledby="group-this">
          <h2 id="group-this">This Scout</h2>
          <div className="card rows">
            <ThisScout peerId={peerId} />
            <div className="row">
              <div>
                <span className="row-name">Defaults</span>
                <SavedMark saving={saving?.key === 'reset' ? saving : null} />
                <p className="hint">Scout Mode and your Oracles stay as they are.</p>
              </div>
              <button
                type="button"
                className="button"
                onClick={() => void save('reset', () => feed.update(defaults()))}
              >
                Reset to defaults
              </button>
            </div>
          </div>
        </section>
      </main>
      <footer className="options-foot">Shard {version}</footer>
      <p className="sr-only" role="status">
        {saving?.text ?? ''}
      </p>
    </div>
  )
}

/** What a reset stores: all that the form shows, but for the list that somebody pasted together and the switch itself. */
function defaults() {
  const { scoutMode: _, oracles: __, introduced: ___, ...rest } = DEFAULT_SETTINGS
  return rest
}
