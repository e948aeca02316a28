import type { HostState } from '../background/state.ts'
import { describeHost } from '../pages/describe-host.ts'
import type { ExtensionFeed } from '../pages/extension-feed.ts'

interface Props {
  readonly host: HostState
  readonly feed: ExtensionFeed
}

/** What is known of the native host on this computer. */
export function LocalOracle({ host, feed }: Props) {
  const found = describeHost(host)
  return (
    <section className="row" aria-label="Local Oracle" data-host={found?.state ?? 'absent'}>
      <div>
        <h3 className="row-name">{found?.title ?? 'No local Oracle'}</h3>
        <p className="hint">
          {found?.detail ??
            'Install the native host, and run “shard install”, to have an Oracle on this computer.'}
        </p>
        {found?.help && <p className="hint">{found.help}</p>}
      </div>
      {found?.action && (
        <button
          type="button"
          className="button"
          onClick={() => feed.send({ to: 'background', type: 'attach' })}
        >
          {found.action}
        </button>
      )}
    </section>
  )
}
