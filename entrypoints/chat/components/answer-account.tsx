import type { Answer } from '../history/conversation.ts'
import { tintOf, workerName } from './worker-name.ts'

/** Speed, acceptance, and who helped: one quiet line under an answer. */
export function AnswerAccount({ answer }: { readonly answer: Answer }) {
  const { account, state } = answer
  const { tokens, ms, drafted, usage, reason, scope, oracle } = account
  if (tokens === 0) return null
  const workers = Object.keys(drafted)
  const byWorkers = workers.reduce((sum, id) => sum + drafted[id]!, 0)
  const tested = usage ? usage.accepted + usage.rejected : 0
  const count = usage?.tokens ?? tokens
  return (
    <div className="account">
      <span className="legend">
        {workers.map((id) => (
          <span key={id} className="legend-item" title={id}>
            <span className="swatch drafted" data-tint={tintOf(workers, id)} />
            {workerName(id)} <b>{drafted[id]}</b>
          </span>
        ))}
        <span className="legend-item" title={oracle}>
          <span className="swatch" />
          Oracle {oracle?.slice(-4)} <b>{Math.max(0, count - byWorkers)}</b>
        </span>
      </span>
      <span className="figures">
        {ms > 0 && tokens > 1 && (
          <Figure name="speed">{`${(((tokens - 1) * 1000) / ms).toFixed(1)} tokens/s`}</Figure>
        )}
        {tested > 0 && (
          <Figure
            name="acceptance"
            title={`${usage!.accepted} of ${tested} drafted tokens that were checked`}
          >
            {`${Math.round((100 * usage!.accepted) / tested)} % accepted`}
          </Figure>
        )}
        {state !== 'writing' && reason === 'length' && <Figure name="cut">cut at the token limit</Figure>}
        {state === 'stopped' && <Figure name="stopped">stopped</Figure>}
        {state === 'done' && scope === 'swarm' && <Figure name="scope">seen by the swarm</Figure>}
      </span>
    </div>
  )
}

function Figure({ name, title, children }: { name: string; title?: string; children: string }) {
  return (
    <span className="figure" data-figure={name} title={title}>
      {children}
    </span>
  )
}
