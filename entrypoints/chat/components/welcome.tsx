import { usePlace } from '../place.ts'
import type { NodeState } from '../use-node.ts'
import { Mark } from './icons.tsx'

const IDEAS = [
  'Tell me a story about a fox.',
  'Write a fairy tale about a golden bird.',
  'Once upon a time there was a giant. What happened?',
]

/** An empty conversation: what this is, and a way to begin. */
export function Welcome({
  node,
  onAsk,
}: {
  readonly node: NodeState
  readonly onAsk: (text: string) => void
}) {
  const { nobodyToAsk } = usePlace()
  const isEmbedded = node.facts?.modelId?.startsWith('shard-tales') ?? false
  if (nobodyToAsk && node.problem === 'no-oracle')
    return (
      <section className="welcome">
        <div className="column">
          <Mark />
          {nobodyToAsk}
        </div>
      </section>
    )
  return (
    <section className="welcome">
      <div className="column">
        <Mark />
        <h1>Written together</h1>
        <p>
          Your Oracle writes the answer;{' '}
          <span className="drafted" data-tint="0">
            Scouts draft ahead
          </span>
          , and every word of theirs is checked before you see it. Tinted words were drafted and confirmed.
        </p>
        {isEmbedded && (
          <p className="muted">
            The small model that comes with Shard tells fairy tales. It knows little else.
          </p>
        )}
        <ul className="ideas">
          {IDEAS.map((idea) => (
            <li key={idea}>
              <button type="button" className="idea" onClick={() => onAsk(idea)}>
                {idea}
              </button>
            </li>
          ))}
        </ul>
      </div>
    </section>
  )
}
