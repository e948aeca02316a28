import type { Broadcast, ToBackground } from '../background/messages.ts'
import { type ExtensionState, NO_HOST, NO_SCOUT } from '../background/state.ts'
import { readSettings, type SettingKey, type Settings } from '../options/settings.ts'

/** What a page needs of the browser; tests bring their own. */
export interface Platform {
  readStored(): Promise<Readonly<Record<string, unknown>>>
  store(values: Readonly<Partial<Settings>>): Promise<void>
  /** Tells of every value stored from now on, by this page or another part. */
  onStored(listener: (values: Readonly<Record<string, unknown>>) => void): void
  send(message: ToBackground): Promise<unknown>
  broadcast(message: Broadcast): void
  onBroadcast(listener: (message: Broadcast) => void): void
}

/** A native host that has said nothing by then is taken to be absent, until it speaks. */
const HOST_WAIT_MS = 1_500

/** The state of the whole extension as a page sees it; the page only shows it, and changes it by changing settings. */
export class ExtensionFeed {
  readonly #platform: Platform
  readonly #listeners = new Set<() => void>()
  readonly #hostKnown = Promise.withResolvers<void>()
  #stored: Readonly<Record<string, unknown>> = {}
  #state: ExtensionState = { settings: readSettings({}), scout: NO_SCOUT, host: NO_HOST }

  constructor(platform: Platform) {
    this.#platform = platform
  }

  /** Resolves once the settings are known; the rest comes as its holders say it. */
  async open(): Promise<void> {
    const platform = this.#platform
    platform.onStored((values) => this.#storedChanged(values))
    platform.onBroadcast((message) => {
      if (message.type === 'scout') this.#set({ ...this.#state, scout: message.scout })
      else if (message.type === 'host') {
        this.#set({ ...this.#state, host: message.host })
        if (message.host.port !== 'opening') this.#hostKnown.resolve()
      }
    })
    setTimeout(this.#hostKnown.resolve, HOST_WAIT_MS)
    this.#storedChanged(await platform.readStored())
    platform.broadcast({ type: 'ask' })
    this.send({ to: 'background', type: 'look' })
  }

  /** Whether there is a native host has been said, or was waited for long enough. */
  get hostKnown(): Promise<void> {
    return this.#hostKnown.promise
  }

  readonly snapshot = (): ExtensionState => this.#state

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Stores settings; the page shows them at once, and what was before again when the browser could not store them. */
  async update(change: Readonly<Partial<Settings>>): Promise<void> {
    const before = this.#stored
    this.#storedChanged(change)
    try {
      await this.#platform.store(change)
    } catch (error) {
      const keys = Object.keys(change)
      this.#storedChanged(Object.fromEntries(keys.map((key) => [key, before[key]])))
      throw error
    }
  }

  /** Changes one setting by what is stored now: another page may have changed it since. */
  async revise<K extends SettingKey>(key: K, next: (now: Settings[K]) => Settings[K]): Promise<void> {
    const now = readSettings(await this.#platform.readStored())[key]
    await this.update({ [key]: next(now) } as Partial<Settings>)
  }

  send(message: ToBackground): void {
    this.#platform.send(message).catch((error) => console.warn('the background does not answer', error))
  }

  #storedChanged(values: Readonly<Record<string, unknown>>): void {
    this.#stored = { ...this.#stored, ...values }
    this.#set({ ...this.#state, settings: readSettings(this.#stored) })
  }

  #set(state: ExtensionState): void {
    this.#state = state
    for (const listener of this.#listeners) listener()
  }
}
