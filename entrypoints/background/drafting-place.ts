import { browser } from 'wxt/browser'
import type { DraftingDocument } from '../offscreen/document.ts'
import type { Task, ToBackground, ToOffscreen } from './messages.ts'

/** Where drafting happens: a document with a page's powers (WebRTC, workers) that the background opens and closes. */
export interface DraftingPlace {
  isOpen(): Promise<boolean>
  /** Opens it if need be; it then asks for its task. */
  open(): Promise<void>
  send(message: ToOffscreen): Promise<void>
  /** Ends it, unless it has something to do after all: a chat may have come meanwhile. */
  close(): Promise<void>
}

/** How the background hears from a place in its own page; an offscreen document sends messages instead. */
export interface PlaceOwner {
  receive(message: ToBackground): Promise<Task | undefined>
}

export const draftingPlace = (owner: PlaceOwner): DraftingPlace =>
  import.meta.env.FIREFOX ? new OwnPage(owner) : new OffscreenDocument()

/** Chromium: the one offscreen document that an extension may have. */
class OffscreenDocument implements DraftingPlace {
  async isOpen(): Promise<boolean> {
    const contexts = await browser.runtime.getContexts({ contextTypes: ['OFFSCREEN_DOCUMENT' as never] })
    return contexts.length > 0
  }

  async open(): Promise<void> {
    if (await this.isOpen()) return
    await chrome.offscreen.createDocument({
      url: 'offscreen.html',
      reasons: [chrome.offscreen.Reason.WEB_RTC, chrome.offscreen.Reason.WORKERS],
      justification: 'Drafts tokens with a small model in a worker and sends them to Oracles over WebRTC.',
    })
  }

  async send(message: ToOffscreen): Promise<void> {
    await browser.runtime.sendMessage(message)
  }

  async close(): Promise<void> {
    if (!(await this.isOpen())) return
    const question: ToOffscreen = { to: 'offscreen', type: 'idle' }
    if ((await browser.runtime.sendMessage(question)) === true) await chrome.offscreen.closeDocument()
  }
}

/** Name of the alarm. */
const AWAKE = 'awake'
/** Below the 30 s after which Firefox takes a background for idle, whatever it computes, when no event came. */
const AWAKE_MINUTES = 20 / 60

/**
 * Firefox: there is no offscreen document, but the background is a page. The browser ends it when no event of an extension
 * came for a while; an alarm is such an event, and starts the page again when it was ended all the same (its process
 * crashed, the computer slept). The alarm is there for as long as there is work.
 */
class OwnPage implements DraftingPlace {
  readonly #owner: PlaceOwner
  #document: Promise<DraftingDocument> | null = null

  constructor(owner: PlaceOwner) {
    this.#owner = owner
    browser.alarms.onAlarm.addListener(({ name }) => {
      if (name === AWAKE && !this.#document) void this.#woken()
    })
  }

  async isOpen(): Promise<boolean> {
    return this.#document !== null
  }

  async open(): Promise<void> {
    this.#stayAwake()
    if (this.#document) {
      await this.#document
      return
    }
    this.#document = this.#start()
    this.#document.catch(() => {
      this.#document = null
    })
    const document = await this.#document
    const task = await this.#owner.receive({ to: 'background', type: 'task' })
    if (task) document.receive({ to: 'offscreen', type: 'task', task })
  }

  /** Whatever it is told, it says when it has nothing to do any more, and is closed then. */
  async send(message: ToOffscreen): Promise<void> {
    this.#stayAwake()
    ;(await this.#document)?.receive(message)
  }

  /** The page stays until the browser ends it; what it ran has ended. */
  async close(): Promise<void> {
    if ((await this.#document)?.isIdle() === false) return
    await browser.alarms.clear(AWAKE)
  }

  /** This page is a new one, and what the last one did is not done. */
  async #woken(): Promise<void> {
    await this.#owner.receive({ to: 'background', type: 'look' })
    if (!this.#document) await this.close()
  }

  #stayAwake(): void {
    void browser.alarms.create(AWAKE, { periodInMinutes: AWAKE_MINUTES })
  }

  async #start(): Promise<DraftingDocument> {
    const { startDraftingDocument } = await import('../offscreen/document.ts')
    const { CHANNEL } = await import('./messages.ts')
    // A chat's port may come just when all else has ended.
    browser.runtime.onConnect.addListener(() => this.#stayAwake())
    return startDraftingDocument({
      channel: new BroadcastChannel(CHANNEL),
      tell: (message) => void this.#owner.receive(message),
    })
  }
}
