import { browser } from 'wxt/browser'
import { readSettings, type Settings } from '../options/settings.ts'
import type { DraftingPlace, PlaceOwner } from './drafting-place.ts'
import { HostAlarm } from './host-alarm.ts'
import { type Broadcast, CHANNEL, type Task, type ToBackground } from './messages.ts'
import { NativeHost } from './native-host.ts'
import { hasLocalOracle, shouldDraft } from './state.ts'
import { showPhase } from './toolbar.ts'

/** This browser's peer id in the mesh, once its node has run. For this browser session. */
const PEER_ID = 'peerId'
/**
 * Set once the local Oracle has run: when it runs no more, somebody has stopped it, and it is not started again behind their
 * back. For this browser session.
 */
const HAS_RUN = 'hostHasRun'

/** A drafting document that does not open is tried again after these waits; then at the next event. */
const RETRY_MS = [1_000, 5_000]

/**
 * Lifecycle, settings, native port. Holds nothing that matters: after the browser stopped it, the next event makes it look
 * again at settings, native host and drafting document, and bring the last in line with the first two.
 */
export class Background implements PlaceOwner {
  readonly #place: DraftingPlace
  readonly #channel = new BroadcastChannel(CHANNEL)
  readonly #host = new NativeHost(() => this.#hostChanged())
  readonly #alarm = new HostAlarm(() => void this.#awake())
  #work: Promise<unknown> = Promise.resolve()
  #failures = 0

  constructor(place: (owner: PlaceOwner) => DraftingPlace) {
    this.#place = place(this)
  }

  listen(): void {
    browser.runtime.onInstalled.addListener(() => this.#look())
    browser.runtime.onStartup.addListener(() => this.#look())
    browser.storage.local.onChanged.addListener(() => this.#look())
    browser.runtime.onMessage.addListener((raw: unknown, _sender, respond) => {
      const message = raw as ToBackground
      if (message?.to !== 'background') return undefined
      void this.receive(message).then(respond)
      return true
    })
    this.#channel.addEventListener('message', ({ data }: MessageEvent<Broadcast>) => {
      if (data.type === 'ask') this.#say()
    })
  }

  async receive(message: ToBackground): Promise<Task | undefined> {
    switch (message.type) {
      case 'task':
        return this.#task()
      case 'look':
        await this.#look(true)
        return undefined
      case 'attach':
        await browser.storage.session.remove(HAS_RUN)
        this.#host.attach(true)
        return undefined
      case 'chat':
        await this.#queue(async () => {
          await this.#place.open()
          await this.#place.send({ to: 'offscreen', type: 'chat' })
        })
        return undefined
      case 'retry':
        await this.#queue(() => this.#place.send({ to: 'offscreen', type: 'retry' }))
        return undefined
      case 'phase':
        showPhase(message.phase)
        return undefined
      case 'node':
        await browser.storage.session.set({ [PEER_ID]: message.peerId })
        await this.#queue(() => this.#pairBeside())
        return undefined
      case 'paired':
        await this.#invitationUsed(message.address)
        return undefined
      case 'idle':
        await this.#queue(async () => {
          if (!(await this.#task()).draft) await this.#place.close()
        })
    }
  }

  /** Something may have changed: native host first, then what follows from it. */
  #look(page = false): Promise<void> {
    return this.#queue(async () => {
      const settings = await this.#settings()
      // With Scout Mode off only an open page wants to know of a local Oracle.
      if (settings.scoutMode || page) this.#host.open()
      await this.#host.settled
      await this.#startHost(settings)
      await this.#settle()
      await this.#pairBeside()
      this.#say()
      this.#alarm.set(this.#host.isHeard)
    })
  }

  /** Nothing to look at where the port is open: whatever changes comes over it. */
  async #awake(): Promise<void> {
    if (!this.#host.isHeard) await this.#look()
  }

  #hostChanged(): void {
    this.#say()
    this.#alarm.set(this.#host.isHeard)
    void this.#queue(async () => {
      const { daemon } = this.#host.state
      if (daemon?.state === 'running' || (daemon?.state === 'stopped' && daemon.cause !== 'never'))
        await browser.storage.session.set({ [HAS_RUN]: true })
      await this.#settle()
      await this.#pairBeside()
    })
  }

  /** Where both run, the local Oracle is one more to draft for: it takes this browser for its owner's own. */
  async #pairBeside(): Promise<void> {
    const { beside, scoutMode } = await this.#settings()
    const { [PEER_ID]: peerId } = await browser.storage.session.get(PEER_ID)
    if (!scoutMode || beside !== 'draft' || !hasLocalOracle(this.#host.state)) return
    if (typeof peerId === 'string') this.#host.pair(peerId)
  }

  /** Scout Mode with a native host that can run means: its Oracle runs. Unless the user stopped it. */
  async #startHost({ scoutMode }: Settings): Promise<void> {
    const { daemon, problem } = this.#host.state
    if (!scoutMode || daemon?.state !== 'stopped' || !daemon.startable || problem) return
    const stored = await browser.storage.session.get(HAS_RUN)
    if (stored[HAS_RUN]) return
    this.#host.attach(true)
    await this.#host.settled
  }

  /** Brings the drafting document in line with the settings and the host. */
  async #settle(): Promise<void> {
    try {
      await this.#bringInLine()
      this.#failures = 0
    } catch (error) {
      const wait = RETRY_MS[this.#failures++]
      console.error('the drafting document did not open or answer', { error, wait })
      if (wait !== undefined) setTimeout(() => void this.#queue(() => this.#settle()), wait)
    }
  }

  async #bringInLine(): Promise<void> {
    const task = await this.#task()
    const open = await this.#place.isOpen()
    if (open) await this.#place.send({ to: 'offscreen', type: 'task', task })
    else if (task.draft) await this.#place.open()
    else showPhase('off')
  }

  async #task(): Promise<Task> {
    await this.#host.settled
    const settings = await this.#settings()
    const draft = shouldDraft(settings, this.#host.state)
    const local = draft && hasLocalOracle(this.#host.state) ? (this.#host.state.api?.multiaddrs ?? []) : []
    const addresses = local.filter((address) => /\/(ws|webrtc-direct)(\/|$)/.test(address))
    if (addresses.length === 0) return { draft, settings }
    return { draft, settings: { ...settings, oracles: [...settings.oracles, { addresses, invite: null }] } }
  }

  async #settings(): Promise<Settings> {
    return readSettings(await browser.storage.local.get())
  }

  async #invitationUsed(address: string): Promise<void> {
    const { oracles } = await this.#settings()
    await browser.storage.local.set({
      oracles: oracles.map((entry) =>
        entry.addresses.includes(address) ? { ...entry, invite: null } : entry,
      ),
    })
  }

  #say(): void {
    const message: Broadcast = { type: 'host', host: this.#host.state }
    this.#channel.postMessage(message)
  }

  /** One thing at a time: opening and closing the document must not overtake each other. */
  #queue<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#work.then(work)
    this.#work = done.catch((error: unknown) => console.error('background', error))
    return done
  }
}
