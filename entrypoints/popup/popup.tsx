import { useEffect, useRef } from 'react'
import { Mark, SettingsIcon } from '../chat/components/icons.tsx'
import { JoinField } from '../pages/components/join-field.tsx'
import { LiveRegion } from '../pages/components/live-region.tsx'
import { Switch } from '../pages/components/switch.tsx'
import { describe } from '../pages/describe.ts'
import { describeHost } from '../pages/describe-host.ts'
import type { ExtensionFeed } from '../pages/extension-feed.ts'
import { withOracle } from '../pages/oracle-entries.ts'
import { useExtension } from '../pages/use-extension.ts'
import { usePeerId } from '../pages/use-peer-id.ts'
import { EngineLine } from './engine-line.tsx'
import { Figures } from './figures.tsx'
import { HostCard } from './host-card.tsx'
import { Introduction } from './introduction.tsx'
import { LoadBar } from './load-bar.tsx'
import { StatusText } from './status-text.tsx'

export function Popup({ feed }: { readonly feed: ExtensionFeed }) {
  const state = useExtension(feed)
  const { settings, scout, host } = state
  const status = describe(state)
  const local = describeHost(host)
  const toggle = useRef<HTMLInputElement>(null)
  const wasIntroduced = useRef(settings.introduced)
  useEffect(() => {
    // The introduction is gone, and with it what had the focus.
    if (settings.introduced && !wasIntroduced.current) toggle.current?.focus()
    wasIntroduced.current = settings.introduced
  }, [settings.introduced])
  usePeerId(scout)
  const isDrafter = settings.scoutMode && status.phase !== 'local'
  const isConnected =
    status.phase !== 'no-oracle' && status.phase !== 'refused' && status.phase !== 'searching'
  return (
    <div className="popup" data-phase={status.phase} data-tone={status.tone}>
      <header className="popup-head">
        <h1 className="brand">
          <Mark /> Shard
        </h1>
        {settings.introduced && (
          <a className="button slim" href="/chat.html" target="_blank" rel="noopener">
            Open the chat
          </a>
        )}
        <a
          className="icon-button"
          href="/options.html"
          target="_blank"
          aria-label="Settings"
          title="Settings"
          rel="noopener"
        >
          <SettingsIcon />
        </a>
      </header>
      <main>
        {settings.introduced ? (
          <>
            <section className="card" aria-label="Scout Mode">
              <Switch
                label="Scout Mode"
                isLarge
                ref={toggle}
                isOn={settings.scoutMode}
                onChange={(scoutMode) => void feed.update({ scoutMode })}
              />
              <StatusText status={status}>
                {status.phase === 'loading' && <LoadBar loading={scout.loading} />}
              </StatusText>
              {status.phase === 'error' && (
                <button
                  type="button"
                  className="button"
                  onClick={() => feed.send({ to: 'background', type: 'retry' })}
                >
                  Try again
                </button>
              )}
              {status.phase === 'no-oracle' && (
                <JoinField onAdd={(entry) => feed.revise('oracles', (list) => withOracle(list, entry))} />
              )}
              {isDrafter && <EngineLine engine={scout.engine} />}
            </section>
            {isDrafter && scout.scout && (isConnected || scout.scout.drafted > 0) && (
              <Figures scout={scout} status={scout.scout} />
            )}
            {local && status.phase !== 'local' && status.phase !== 'starting' && (
              <HostCard host={local} onStart={() => feed.send({ to: 'background', type: 'attach' })} />
            )}
          </>
        ) : (
          <Introduction feed={feed} oracles={settings.oracles} />
        )}
      </main>
      <LiveRegion text={settings.introduced ? status.announcement : ''} />
    </div>
  )
}
