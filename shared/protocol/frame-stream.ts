import type { Stream, StreamCloseEvent, StreamMessageEvent } from '@libp2p/interface'
import { FrameReader, withLength } from './frame-reader.ts'
import { LIMITS } from './limits.ts'
import { ProtocolError } from './protocol-error.ts'

export interface FrameStreamHandlers {
  /** Called in order, one frame at a time; what it throws closes the stream. */
  frame(data: Uint8Array): void
  /** Sending may go on after `ready` was false. */
  drained?(): void
  /** The stream has ended, whoever ended it; once. Null: closed in order. */
  closed(error: Error | null): void
}

/**
 * Length-prefixed frames over a libp2p stream. Reading holds at most one frame; what a slow peer has not taken is
 * bounded in bytes and in time; a frame that begins must end in time.
 */
export class FrameStream {
  readonly #stream: Stream
  readonly #reader: FrameReader
  readonly #handlers: FrameStreamHandlers
  #frameTimer: ReturnType<typeof setTimeout> | null = null
  #writeTimer: ReturnType<typeof setTimeout> | null = null
  #ended = false

  constructor(stream: Stream, maxFrameBytes: number, handlers: FrameStreamHandlers) {
    this.#stream = stream
    this.#handlers = handlers
    this.#reader = new FrameReader(maxFrameBytes, LIMITS.frameLengthBytes)
    stream.addEventListener('message', this.#onMessage)
    stream.addEventListener('drain', this.#onDrain)
    stream.addEventListener('close', this.#onClose)
    stream.addEventListener('remoteCloseWrite', this.#onRemoteCloseWrite)
    // It may have ended before anybody listened.
    if (stream.status !== 'open') queueMicrotask(() => this.#end(null))
    else if (stream.remoteWriteStatus === 'closed') queueMicrotask(this.#onRemoteCloseWrite)
  }

  get open(): boolean {
    return !this.#ended
  }

  /** False while what was sent before still waits for the peer. */
  get ready(): boolean {
    return !this.#ended && !this.#stream.writableNeedsDrain
  }

  /** Whether so many more bytes may wait for the peer. */
  fits(bytes: number): boolean {
    return this.#stream.writeBufferLength + bytes <= LIMITS.writeQueueBytes
  }

  /** Sends a frame; nothing happens when the stream has ended. */
  send(frame: Uint8Array): void {
    if (this.#ended) return
    if (!this.fits(frame.byteLength)) {
      this.abort(new ProtocolError('SLOW', `${this.#stream.writeBufferLength} bytes wait for the peer`))
      return
    }
    try {
      if (!this.#stream.send(withLength(frame))) this.#expectDrain()
    } catch (error) {
      this.abort(error instanceof Error ? error : new Error(String(error)))
    }
  }

  /** Ends in order: what was sent still arrives. A peer that does not end its side as well is cut off after a while. */
  close(): void {
    if (this.#ended) return
    const stream = this.#stream
    const linger = setTimeout(
      () => stream.abort(new Error('the peer kept a closed stream open')),
      LIMITS.lingerMs,
    )
    // In Node a timer alone must not keep the process alive.
    ;(linger as { unref?(): void }).unref?.()
    stream.addEventListener('close', () => clearTimeout(linger))
    stream
      .close({ signal: AbortSignal.timeout(LIMITS.lingerMs) })
      .catch((error: Error) => stream.abort(error))
    this.#end(null)
  }

  abort(error: Error): void {
    if (this.#ended) return
    this.#end(error)
    this.#stream.abort(error)
  }

  readonly #onMessage = (event: StreamMessageEvent): void => {
    if (this.#ended) return
    try {
      for (const frame of this.#reader.push(event.data.subarray())) {
        this.#frameEnded()
        this.#handlers.frame(frame)
        if (this.#ended) return
      }
    } catch (error) {
      this.abort(error instanceof Error ? error : new Error(String(error)))
      return
    }
    if (this.#reader.partial) {
      this.#frameTimer ??= setTimeout(
        () => this.abort(new ProtocolError('FRAME_TIMEOUT', 'a frame began and did not end')),
        LIMITS.frameDeadlineMs,
      )
    }
  }

  #frameEnded(): void {
    if (this.#frameTimer) clearTimeout(this.#frameTimer)
    this.#frameTimer = null
  }

  #expectDrain(): void {
    this.#writeTimer ??= setTimeout(
      () => this.abort(new ProtocolError('SLOW', 'the peer does not read')),
      LIMITS.stalledWriteMs,
    )
  }

  readonly #onDrain = (): void => {
    if (this.#writeTimer) clearTimeout(this.#writeTimer)
    this.#writeTimer = null
    // The stream first sends what it still holds.
    queueMicrotask(() => {
      if (this.ready) this.#handlers.drained?.()
      else if (!this.#ended) this.#expectDrain()
    })
  }

  readonly #onClose = (event: StreamCloseEvent): void => this.#end(event.error ?? null)

  /** The peer says no more: these conversations end together. */
  readonly #onRemoteCloseWrite = (): void => this.close()

  #end(error: Error | null): void {
    if (this.#ended) return
    this.#ended = true
    this.#frameEnded()
    if (this.#writeTimer) clearTimeout(this.#writeTimer)
    this.#stream.removeEventListener('message', this.#onMessage)
    this.#stream.removeEventListener('drain', this.#onDrain)
    this.#stream.removeEventListener('close', this.#onClose)
    this.#stream.removeEventListener('remoteCloseWrite', this.#onRemoteCloseWrite)
    this.#handlers.closed(error)
  }
}
