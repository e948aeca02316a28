import { shortPeerId, TRANSPORT_NAMES } from '../../pages/peer-names.ts'
import type { ChatErrorKind, NodeFacts } from '../source/chat-source.ts'
import type { NodeState } from '../use-node.ts'

const PROBLEMS: Readonly<Partial<Record<ChatErrorKind, string>>> = {
  'no-oracle': 'No Oracle yet',
  gone: 'Oracle not reachable',
  key: 'Oracle asks for its key',
  refused: 'Oracle refuses this device',
  starting: 'Oracle is starting',
}

/** Who answers, with which model, how many Scouts stand by, and whether the Oracle is there at all. */
export function NodeStatus({ node }: { readonly node: NodeState }) {
  const { facts, problem } = node
  if (problem)
    return (
      <div className="node" data-state={problem === 'no-oracle' || problem === 'starting' ? 'wait' : 'bad'}>
        <span className="dot" />
        <span>{PROBLEMS[problem] ?? 'Oracle has a problem'}</span>
      </div>
    )
  if (!facts)
    return (
      <div className="node" data-state="wait">
        <span className="dot" />
        <span>Looking for your Oracle…</span>
      </div>
    )
  const { model, loading, engine, paceMs, scouts, scope } = facts
  return (
    <div className="node" data-state={model ? 'good' : 'wait'} data-where={whereKind(facts)}>
      <span className="dot" />
      <span className="node-text">
        <strong>{model ?? (loading ? 'No model yet' : 'No model is loaded')}</strong>
        {loading && <span className="loading">{loadingText(loading)}</span>}
        {!model && !loading && <span>The next message loads one</span>}
        <Where facts={facts} />
        {engine !== null && <span title={`Engine: ${engine}`}>{engine}</span>}
        {scope !== null && (
          <span title={`Scope: ${scope}`}>{scope === 'none' ? 'Works alone' : standingBy(scouts)}</span>
        )}
        {paceMs > 0 && (
          <span title="The model is small; each pass takes at least this long, as if it were large.">
            Paced at {paceMs} ms a pass
          </span>
        )}
      </span>
    </div>
  )
}

function loadingText({ id, fraction }: NonNullable<NodeFacts['loading']>): string {
  return `Loading ${id}${fraction === null ? '' : ` (${Math.round(fraction * 100)} %)`}…`
}

function whereKind({ where }: NodeFacts): 'host' | 'local' | 'mesh' {
  return typeof where === 'string' ? where : 'mesh'
}

/** Which Oracle it is, where that is not plain from the page's address. */
function Where({ facts: { where } }: { readonly facts: NodeFacts }) {
  if (where === 'host') return null
  if (where === 'local') return <span>Local Oracle</span>
  return (
    <span title={where.oracle}>
      Oracle {shortPeerId(where.oracle)} over the mesh ({TRANSPORT_NAMES[where.transport]})
    </span>
  )
}

function standingBy(scouts: number | null): string {
  if (scouts === null) return 'Helped by Scouts'
  if (scouts === 0) return 'No Scouts standing by'
  return `${scouts === 1 ? '1 Scout' : `${scouts} Scouts`} standing by`
}
