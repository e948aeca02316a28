import type { EngineFacts } from '../background/state.ts'

/** Which engine drafts and why: a slow one should surprise nobody. */
export function EngineLine({ engine }: { readonly engine: EngineFacts | null }) {
  if (!engine) return null
  return (
    <dl className="engine" data-engine={engine.kind}>
      <dt>Engine</dt>
      <dd>
        {engine.kind === 'wgsl' ? `WebGPU, ${engine.kernel}` : 'CPU: the slow reference engine'}
        <span className="hint">{engine.why}</span>
      </dd>
      <dt>Model</dt>
      <dd>{engine.model}</dd>
    </dl>
  )
}
