import { type FormEvent, useId, useState } from 'react'
import type { OracleEntry } from '../../options/settings.ts'
import { peerIdOf, readPasted, transportsOf } from '../oracle-entries.ts'
import { shortPeerId, TRANSPORT_NAMES } from '../peer-names.ts'

interface Props {
  /** Rejects when the list does not take it. */
  readonly onAdd: (entry: OracleEntry) => Promise<void>
}

type Reading = { readonly entry: OracleEntry } | { readonly problem: string }

/** Where a join link or an address is pasted: read at once, added by a click, and never lost by a mistake. */
export function JoinField({ onAdd }: Props) {
  const id = useId()
  const [text, setText] = useState('')
  /** Somebody who types is not told at the first letter that it is no address. */
  const [isJudged, setJudged] = useState(false)
  const [failure, setFailure] = useState<string | null>(null)
  const [added, setAdded] = useState<string | null>(null)
  const reading = read(text)
  const found = 'entry' in reading ? reading.entry : null
  const problem = failure ?? (isJudged && 'problem' in reading ? reading.problem : null)

  const change = (value: string) => {
    setText(value)
    setFailure(null)
    setAdded(null)
    if (value.trim() === '') setJudged(false)
  }
  const add = async (event: FormEvent) => {
    event.preventDefault()
    setJudged(true)
    if (!found) return
    try {
      await onAdd(found)
      setAdded(`Added Oracle ${shortPeerId(peerIdOf(found))}.`)
      setText('')
      setJudged(false)
    } catch (error) {
      setFailure(messageOf(error))
    }
  }
  return (
    <form className="join" onSubmit={(event) => void add(event)} noValidate>
      <label htmlFor={id}>Join link or address</label>
      <div className="join-line">
        <input
          id={id}
          type="text"
          autoComplete="off"
          autoCapitalize="off"
          spellCheck={false}
          placeholder="shard:join?… or /ip4/…"
          value={text}
          aria-invalid={problem !== null}
          aria-describedby={`${id}-says`}
          onChange={(event) => change(event.target.value)}
          onPaste={() => setJudged(true)}
          onBlur={() => setJudged(text.trim() !== '')}
        />
        <button type="submit" className="button primary">
          Add
        </button>
      </div>
      <p className="hint" id={`${id}-says`} aria-live="polite" data-bad={problem !== null}>
        {problem ?? (found ? summaryOf(found) : added)}
      </p>
    </form>
  )
}

function read(text: string): Reading {
  try {
    return { entry: readPasted(text) }
  } catch (error) {
    return { problem: messageOf(error) }
  }
}

function summaryOf(entry: OracleEntry): string {
  const ways = transportsOf(entry).map((transport) => TRANSPORT_NAMES[transport])
  const invite = entry.invite === null ? '' : ', with an invitation'
  return `Oracle ${shortPeerId(peerIdOf(entry))} by ${ways.join(', ')}${invite}.`
}

/** As a sentence: the messages of errors begin small and end without a stop. */
function messageOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error)
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}${/[.!?…]$/.test(text) ? '' : '.'}`
}
