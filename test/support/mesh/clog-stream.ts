/** The part of a libp2p stream that matters when the peer is slow: its buffer, and its events. */
export class ClogStream extends EventTarget {
  status = 'open'
  remoteWriteStatus = 'writable'
  writableNeedsDrain = false
  writeBufferLength = 0
  readonly sent: Uint8Array[] = []
  aborted: Error | null = null

  send(data: Uint8Array): boolean {
    this.sent.push(data)
    if (this.writableNeedsDrain) this.writeBufferLength += data.byteLength
    return !this.writableNeedsDrain
  }

  abort(error: Error): void {
    this.aborted = error
    this.status = 'aborted'
  }

  /** The peer took something; `more`: and left something. */
  async drain(more: boolean): Promise<void> {
    this.writableNeedsDrain = more
    this.dispatchEvent(new Event('drain'))
    await Promise.resolve()
  }

  arrive(...bytes: number[]): void {
    this.dispatchEvent(Object.assign(new Event('message'), { data: Uint8Array.from(bytes) }))
  }
}
