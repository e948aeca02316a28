import type { Broadcast, ToBackground } from '../../../entrypoints/background/messages.ts'
import type { HostState } from '../../../entrypoints/background/state.ts'
import type { Platform } from '../../../entrypoints/pages/extension-feed.ts'

/** A browser as far as a page needs it: settings that are stored, messages that are kept. */
export class FakePlatform implements Platform {
  stored: Record<string, unknown> = {}
  readonly sent: ToBackground[] = []
  readonly said: Broadcast[] = []
  #onStored: (values: Readonly<Record<string, unknown>>) => void = () => {}
  #onBroadcast: (message: Broadcast) => void = () => {}
  refuses = false

  async readStored() {
    return { ...this.stored }
  }

  async store(values: Readonly<Record<string, unknown>>) {
    if (this.refuses) throw new Error('the disk is full')
    this.put(values)
  }

  /** As another page, or the background, would. */
  put(values: Readonly<Record<string, unknown>>) {
    Object.assign(this.stored, values)
    this.#onStored(values)
  }

  onStored(listener: (values: Readonly<Record<string, unknown>>) => void) {
    this.#onStored = listener
  }

  async send(message: ToBackground) {
    this.sent.push(message)
  }

  broadcast(message: Broadcast) {
    this.said.push(message)
  }

  onBroadcast(listener: (message: Broadcast) => void) {
    this.#onBroadcast = listener
  }

  hear(message: Broadcast) {
    this.#onBroadcast(message)
  }

  hearHost(host: HostState) {
    this.hear({ type: 'host', host })
  }
}
