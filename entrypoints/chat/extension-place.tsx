import { JoinField } from '../pages/components/join-field.tsx'
import { describeHost } from '../pages/describe-host.ts'
import type { ExtensionFeed } from '../pages/extension-feed.ts'
import { withOracle } from '../pages/oracle-entries.ts'
import { useExtension } from '../pages/use-extension.ts'
import type { Place } from './place.ts'

const OPTIONS = '/options.html'

/** The chat page in the extension: Oracles come and go, and are the settings' business. */
export function extensionPlace(feed: ExtensionFeed): Place {
  return {
    asksForKey: false,
    optionsHref: OPTIONS,
    nobodyToAsk: <NobodyToAsk feed={feed} />,
    problems: {
      'no-oracle': {
        title: 'There is no Oracle to ask.',
        advice: 'List one in the settings by its join link, or start the local Oracle. Then try again.',
        action: 'options',
      },
      gone: {
        title: 'No Oracle answers.',
        advice: 'Is it running, and at the address in the settings? Then try again.',
        action: 'retry',
      },
      interrupted: {
        title: 'The connection was lost in mid-answer.',
        advice: 'What had come is kept above. Trying again asks whichever Oracle is there now.',
        action: 'retry',
      },
      stopping: {
        title: 'The Oracle was stopped.',
        advice: 'Start it again, or list another one in the settings.',
        action: 'retry',
      },
      key: {
        title: 'The local Oracle does not know this browser any more.',
        advice: 'It was started anew. Try again in a moment.',
        action: 'retry',
      },
      refused: {
        title: 'The Oracle refused the request.',
        advice:
          'Over the mesh an Oracle answers its owner’s own devices: a join link with an invitation makes this one its own.',
        action: 'options',
      },
    },
  }
}

function NobodyToAsk({ feed }: { readonly feed: ExtensionFeed }) {
  const local = describeHost(useExtension(feed).host)
  return (
    <div className="nobody">
      <h1>Whom shall we ask?</h1>
      <p>
        An Oracle writes the answers. Paste the join link that one prints when it starts, or that its owner
        sent you.
      </p>
      <JoinField onAdd={(entry) => feed.revise('oracles', (list) => withOracle(list, entry))} />
      <p className="muted">
        {local
          ? `On this computer: ${local.title}. ${local.detail}`
          : 'An Oracle of your own needs Shard’s native host on a computer. This page finds it by itself when it runs here.'}
      </p>
      <p className="nobody-foot">
        {local?.action && (
          <button
            type="button"
            className="button"
            onClick={() => feed.send({ to: 'background', type: 'attach' })}
          >
            {local.action}
          </button>
        )}
        <a className="button" href={OPTIONS}>
          Open Shard’s settings
        </a>
      </p>
    </div>
  )
}
