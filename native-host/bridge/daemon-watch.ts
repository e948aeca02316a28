import { type FSWatcher, watch } from 'node:fs'
import type { DaemonState } from '../../shared/bridge/messages.ts'
import { ControlClient } from '../control/control-client.ts'
import { type ControlPlace, makePrivate } from '../control/control-place.ts'
import type { Startable } from './startable.ts'

export interface DaemonWatchOptions {
  readonly place: ControlPlace
  readonly startable: () => Startable
  changed(state: DaemonState): void
  /** What is worth a line in the log. */
  note(text: string): void
}

/** A daemon that has its socket and does not answer is not waited for. */
const FIRST_LOOK_MS = 3_000

/**
 * Knows at any time how the daemon is. While one runs, its connection tells, and its end; while none does, the folder that
 * it would appear in is watched. Nothing is asked again and again.
 */
export class DaemonWatch {
  readonly #options: DaemonWatchOptions
  readonly #known = Promise.withResolvers<void>()
  #connected = Promise.withResolvers<ControlClient>()
  #state: DaemonState
  #client: ControlClient | null = null
  #watcher: FSWatcher | null = null
  #looking = false
  #lookAgain = false

  constructor(options: DaemonWatchOptions) {
    this.#options = options
    this.#state = { state: 'stopped', cause: 'never', ...options.startable() }
    this.watchFolder()
    void this.#look()
    setTimeout(() => {
      if (this.#client !== null && this.#state.state === 'stopped')
        this.#enter({
          state: 'stopped',
          startable: false,
          cause: 'never',
          why: 'a daemon is there and does not answer: end its process, or restart this computer',
        })
      this.#known.resolve()
    }, FIRST_LOOK_MS).unref()
  }

  get state(): DaemonState {
    return this.#state
  }

  /** Resolves when `state` is more than a guess. */
  get known(): Promise<void> {
    return this.#known.promise
  }

  /** The connection to the daemon that runs. */
  get client(): ControlClient | null {
    return this.#client
  }

  /** Resolves as soon as there is a daemon to talk to. */
  get connected(): Promise<ControlClient> {
    return this.#connected.promise
  }

  /** Watches the folder anew, should it have been removed meanwhile. */
  watchFolder(): void {
    const { place, note } = this.#options
    this.#watcher?.close()
    this.#watcher = null
    try {
      makePrivate(place.folder)
      this.#watcher = watch(place.folder, () => void this.#look())
      this.#watcher.on('error', (error) => note(`cannot watch ${place.folder}: ${error.message}`))
    } catch (error) {
      note(`cannot watch ${place.folder}: ${(error as Error).message}`)
    }
  }

  /** Connects if there is a daemon. @returns whether there is */
  async look(): Promise<boolean> {
    await this.#look()
    return this.#client !== null
  }

  async #look(): Promise<void> {
    if (this.#client) return
    if (this.#looking) {
      this.#lookAgain = true
      return
    }
    this.#looking = true
    do {
      this.#lookAgain = false
      this.#client = await ControlClient.connect(this.#options.place, {
        state: ({ daemon }) => this.#enter(daemon),
        closed: (bye) => this.#ended(bye),
      })
    } while (this.#client === null && this.#lookAgain)
    this.#looking = false
    if (this.#client) {
      this.#client.watch()
      this.#connected.resolve(this.#client)
    } else this.#known.resolve()
  }

  #ended(bye: string | null): void {
    this.#client = null
    this.#connected = Promise.withResolvers()
    const { startable, why } = this.#options.startable()
    const ended = bye === null ? 'the daemon was killed or crashed' : `the daemon has stopped: ${bye}`
    this.#enter({
      state: 'stopped',
      startable,
      cause: bye === null ? 'lost' : 'stopped',
      why: startable ? ended : `${ended}; ${why}`,
    })
    // The next one may be there already.
    void this.#look()
  }

  #enter(state: DaemonState): void {
    this.#state = state
    this.#known.resolve()
    this.#options.changed(state)
  }
}
