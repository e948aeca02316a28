import { type ReactNode, useEffect, useRef, useState } from 'react'
import type { OracleEntry } from '../options/settings.ts'
import { JoinField } from '../pages/components/join-field.tsx'
import type { ExtensionFeed } from '../pages/extension-feed.ts'
import { peerIdOf, withOracle } from '../pages/oracle-entries.ts'
import { shortPeerId } from '../pages/peer-names.ts'

interface Props {
  readonly feed: ExtensionFeed
  readonly oracles: readonly OracleEntry[]
}

const STEPS = 3

/** The first time: what this is, whom it is for, and the switch. */
export function Introduction({ feed, oracles }: Props) {
  const [step, setStep] = useState(1)
  const heading = useRef<HTMLHeadingElement>(null)
  const isFirst = useRef(true)
  // biome-ignore lint/correctness/useExhaustiveDependencies: every step is read from its heading
  useEffect(() => {
    if (!isFirst.current) heading.current?.focus()
    isFirst.current = false
  }, [step])
  const end = (scoutMode: boolean) => void feed.update({ introduced: true, scoutMode })
  const isSkipping = step === 2 && oracles.length === 0
  const { title, body } = stepOf(step, feed, oracles)
  return (
    <section className="card intro" aria-label="Introduction" data-step={step}>
      <p className="intro-count">
        Step {step} of {STEPS}
      </p>
      <h2 ref={heading} tabIndex={-1}>
        {title}
      </h2>
      {body}
      <div className="intro-foot">
        {step === STEPS && (
          <button type="button" className="button primary wide" onClick={() => end(true)}>
            Turn on Scout Mode
          </button>
        )}
        {step > 1 && (
          <button type="button" className="button quiet" onClick={() => setStep(step - 1)}>
            Back
          </button>
        )}
        {step < STEPS && (
          <button
            type="button"
            className={isSkipping ? 'button' : 'button primary'}
            onClick={() => setStep(step + 1)}
          >
            {isSkipping ? 'Later' : 'Next'}
          </button>
        )}
        {step === STEPS && (
          <button type="button" className="button quiet" onClick={() => end(false)}>
            Not now
          </button>
        )}
      </div>
    </section>
  )
}

function stepOf(
  step: number,
  feed: ExtensionFeed,
  oracles: readonly OracleEntry[],
): { title: string; body: ReactNode } {
  if (step === 1)
    return {
      title: 'Your computer drafts, an Oracle decides',
      body: (
        <>
          <p>
            An <strong>Oracle</strong> runs a large language model. A <strong>Scout</strong>, this extension,
            guesses its next words with a small model.
          </p>
          <p className="intro-example">
            There was once{' '}
            <span className="drafted" data-tint="0">
              a fox who lived
            </span>{' '}
            in
          </p>
          <p>
            The Oracle checks many guesses in one go and keeps those that it would have written itself. So
            answers come faster, and not one word is different.
          </p>
        </>
      ),
    }
  if (step === 2)
    return {
      title: 'Whom do you draft for?',
      body: (
        <>
          <p>Paste the join link that your Oracle prints, or that a friend sent you.</p>
          <JoinField onAdd={(entry) => feed.revise('oracles', (list) => withOracle(list, entry))} />
          {oracles.length > 0 && (
            <ul className="intro-oracles" aria-label="Oracles added">
              {oracles.map((entry) => (
                <li key={peerIdOf(entry)}>
                  <code>{shortPeerId(peerIdOf(entry))}</code>
                </li>
              ))}
            </ul>
          )}
        </>
      ),
    }
  return {
    title: 'Turn it on, and off at once',
    body: (
      <>
        <p>Scout Mode loads a small model that came with this extension. Nothing else is downloaded.</p>
        <ul className="intro-list">
          <li>It uses the GPU only while it drafts, and pauses on battery.</li>
          <li>Your Oracle sends it the text to go on with; it is kept nowhere.</li>
          <li>The switch stops everything at once.</li>
        </ul>
      </>
    ),
  }
}
