import type { Stream } from '@libp2p/interface'
import { FrameStream } from '../../shared/protocol/frame-stream.ts'
import {
  type AnswerFailure,
  type AnswerFrame,
  encodeGenerateFrame,
  type GenerateEvent,
  parseQuestion,
  type QuestionFrame,
} from '../../shared/protocol/generate-frames.ts'
import { LIMITS } from '../../shared/protocol/limits.ts'
import { ProtocolError } from '../../shared/protocol/protocol-error.ts'
import { tokensFrames } from './tokens-frames.ts'

export interface AnswerStreamHandlers {
  /** Once: what the peer wants. */
  question(question: QuestionFrame): void
  /** The stream has ended, whoever ended it; once. Null: in order, or by the peer's leaving. */
  closed(error: Error | null): void
}

/** One stream of /shard/generate as the Oracle sees it: a question, then its answer as fast as the peer reads. */
export class AnswerStream {
  readonly #frames: FrameStream
  readonly #over = new AbortController()
  #wake: () => void = () => {}

  constructor(stream: Stream, handlers: AnswerStreamHandlers) {
    let asked = false
    const deadline = setTimeout(
      () => this.#frames.abort(new ProtocolError('ORDER', 'no request in time')),
      LIMITS.requestDeadlineMs,
    )
    this.#frames = new FrameStream(stream, LIMITS.generateRequestBytes, {
      frame: (data) => {
        const question = parseQuestion(data)
        if (!question) return
        if (asked) throw new ProtocolError('ORDER', 'a second request on one stream')
        asked = true
        clearTimeout(deadline)
        handlers.question(question)
      },
      drained: () => this.#wake(),
      closed: (error) => {
        clearTimeout(deadline)
        this.#over.abort()
        this.#wake()
        handlers.closed(error)
      },
    })
  }

  /** Aborts when the stream ends: nobody listens any more. */
  get signal(): AbortSignal {
    return this.#over.signal
  }

  /** Sends what comes; the next is asked for once the peer has taken this. Ends with the stream. @throws what `events` throws */
  async pipe(events: AsyncIterable<GenerateEvent>): Promise<void> {
    for await (const event of events) {
      for (const frame of split(event)) {
        this.#send(frame)
        await this.#ready()
        if (!this.#frames.open) return
      }
    }
  }

  /** The last word, and the end. */
  finish(frame: Extract<AnswerFrame, { type: 'info' }> | null = null): void {
    if (frame) this.#send(frame)
    this.#frames.close()
  }

  fail(failure: AnswerFailure): void {
    this.#send({ type: 'failure', failure })
    this.#frames.close()
  }

  abort(error: Error): void {
    this.#frames.abort(error)
  }

  #send(frame: AnswerFrame): void {
    this.#frames.send(encodeGenerateFrame(frame))
  }

  async #ready(): Promise<void> {
    while (this.#frames.open && !this.#frames.ready) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
  }
}

function* split(event: GenerateEvent): Generator<AnswerFrame, void, void> {
  if (event.type === 'pieces')
    for (const pieces of tokensFrames(event.pieces)) yield { type: 'pieces', pieces }
  else yield event
}
