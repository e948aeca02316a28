import type { NodeState } from '../use-node.ts'

const PROBLEMS = {
  gone: 'Oracle not reachable',
  key: 'Oracle asks for its key',
  failed: 'Oracle has a problem',
} as const

/** Which model answers, how many Scouts stand by, and whether the Oracle is there at all. */
export function NodeStatus({ node }: { readonly node: NodeState }) {
  const { facts, problem } = node
  if (problem)
    return (
      <div className="node" data-state="bad">
        <span className="dot" />
        <span>{PROBLEMS[problem]}</span>
      </div>
    )
  if (!facts) return <div className="node" data-state="wait" />
  const { model, engine, paceMs, scouts, scope } = facts
  const helpers = scouts.length === 1 ? '1 Scout' : `${scouts.length} Scouts`
  return (
    <div className="node" data-state={model ? 'good' : 'wait'}>
      <span className="dot" />
      <span className="node-text">
        <strong>{model ?? 'No model yet'}</strong>
        <span title={`Engine: ${engine}`}>{engine}</span>
        <span title={`Scope: ${scope}`}>{scope === 'none' ? 'Works alone' : `${helpers} standing by`}</span>
        {paceMs > 0 && (
          <span title="The model is small; each pass takes at least this long, as if it were large.">
            Paced at {paceMs} ms a pass
          </span>
        )}
      </span>
    </div>
  )
}
