import { browser } from 'wxt/browser'
import type { Task, ToBackground, ToOffscreen } from './messages.ts'

/** Where drafting happens: a document with a page's powers (WebRTC, workers) that the background opens and closes. */
export interface DraftingPlace {
  isOpen(): Promise<boolean>
  /** Opens it if need be; it then asks for its task. */
  open(): Promise<void>
  send(message: ToOffscreen): Promise<void>
  /** Ends everything in it at once. */
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
    if (await this.isOpen()) await chrome.offscreen.closeDocument()
  }
}

/** Firefox: there is no offscreen document, but the background is a page. */
class OwnPage implements DraftingPlace {
  readonly #owner: PlaceOwner
  #document: Promise<{ receive(message: ToOffscreen): void }> | null = null

  constructor(owner: PlaceOwner) {
    this.#owner = owner
  }

  async isOpen(): Promise<boolean> {
    return this.#document !== null
  }

  async open(): Promise<void> {
    if (this.#document) return
    this.#document = this.#start()
    const document = await this.#document
    const task = await this.#owner.receive({ to: 'background', type: 'task' })
    if (task) document.receive({ to: 'offscreen', type: 'task', task })
  }

  async send(message: ToOffscreen): Promise<void> {
    ;(await this.#document)?.receive(message)
  }

  /** The page stays; what it runs has been told to end. */
  async close(): Promise<void> {}

  async #start(): Promise<{ receive(message: ToOffscreen): void }> {
    const { startDraftingDocument } = await import('../offscreen/document.ts')
    const { CHANNEL } = await import('./messages.ts')
    return startDraftingDocument({
      channel: new BroadcastChannel(CHANNEL),
      tell: (message) => void this.#owner.receive(message),
    })
  }
}
