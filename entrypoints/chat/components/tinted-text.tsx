import { Fragment, memo } from 'react'
import type { Piece } from '../source/chat-source.ts'
import { tintOf, workerName } from './worker-name.ts'

interface Props {
  readonly pieces: readonly Piece[]
  /** In the order of their tints. */
  readonly workers: readonly string[]
}

/** Text in which what was drafted and confirmed carries its drafter's tint. */
export const TintedText = memo(function TintedText({ pieces, workers }: Props) {
  return pieces.map(([text, by], index) => {
    // A token often begins with its space; tinted, it would dangle at the end of a line.
    const word = text.trimStart()
    if (by === null || word === '') return text
    return (
      // biome-ignore lint/suspicious/noArrayIndexKey: pieces are only ever appended
      <Fragment key={index}>
        {text.slice(0, text.length - word.length)}
        <span
          className="drafted"
          data-tint={tintOf(workers, by)}
          data-by={by}
          title={`Drafted by ${workerName(by)}, confirmed by the Oracle`}
        >
          {word}
        </span>
      </Fragment>
    )
  })
})
