import type { ScoutStatus } from '../../shared/scout/scout.ts'
import type { ScoutState } from '../background/state.ts'
import { count, percent } from '../pages/figures.ts'

interface Props {
  readonly scout: ScoutState
  readonly status: ScoutStatus
}

/** What this Scout has done since it was turned on, and what it costs. Credits come with the ledger: no number until then. */
export function Figures({ scout, status }: Props) {
  const { drafted, tested, accepted, tokensPerSecond } = status
  const rate = tested > 0 ? percent(accepted / tested) : null
  return (
    <section aria-label="Figures since Scout Mode was turned on">
      <dl className="figures">
        <Figure name="drafted" label="Drafted" value={count(drafted)} note="tokens" />
        <Figure
          name="accepted"
          label="Accepted"
          value={count(accepted)}
          note={rate === null ? 'none tested yet' : `${rate} of those tested`}
        />
        <Figure name="speed" label="Speed" value={tokensPerSecond.toFixed(1)} note="tokens/s" />
        <Figure name="peers" label="Peers" value={count(scout.peers)} note="connected" />
        <Figure
          name="load"
          label={scout.engine?.kind === 'reference' ? 'CPU load' : 'GPU load'}
          value={percent(scout.busy)}
          note="by this Scout"
        />
      </dl>
    </section>
  )
}

interface FigureProps {
  readonly name: string
  readonly label: string
  readonly value: string
  readonly note: string
}

function Figure({ name, label, value, note }: FigureProps) {
  return (
    <div className="figure" data-figure={name}>
      <dt>{label}</dt>
      <dd>
        <b>{value}</b>
        <span className="hint">{note}</span>
      </dd>
    </div>
  )
}
