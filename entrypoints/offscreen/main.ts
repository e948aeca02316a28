import { browser } from 'wxt/browser'
import { CHANNEL, type Task, type ToBackground, type ToOffscreen } from '../background/messages.ts'
import { startDraftingDocument } from './document.ts'

/** Chromium's offscreen document: lives on while the service worker comes and goes; ends when told that it is not needed. */
const channel = new BroadcastChannel(CHANNEL)
const tell = (message: ToBackground) => browser.runtime.sendMessage(message)

const document = startDraftingDocument({
  channel,
  tell: (message) => void tell(message).catch(() => {}),
})
browser.runtime.onMessage.addListener((raw: unknown, _sender, respond) => {
  const message = raw as ToOffscreen
  if (message?.to !== 'offscreen') return
  if (message.type === 'idle') respond(document.isIdle())
  else document.receive(message)
})
const task = (await tell({ to: 'background', type: 'task' })) as Task | undefined
if (task) document.receive({ to: 'offscreen', type: 'task', task })
