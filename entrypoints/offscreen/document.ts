import { browser } from 'wxt/browser'
import type { Broadcast, ToBackground, ToOffscreen } from '../background/messages.ts'
import { CHAT_PORT } from '../background/messages.ts'
import { ChatRelay } from './chat-relay.ts'
import { watchPower } from './power.ts'
import { ScoutRuntime } from './runtime.ts'

/** A chat page's port comes within this time of its opening, or not at all. */
const CHAT_MS = 5_000

export interface DraftingDocument {
  receive(message: ToOffscreen): void
  /** Nothing is to be done any more. */
  isIdle(): boolean
}

/**
 * The runtime with everything around it that belongs to a document: channel, ports, battery. In Chromium the offscreen
 * document runs it, in Firefox the background page.
 */
export function startDraftingDocument(outside: {
  readonly channel: BroadcastChannel
  readonly tell: (message: ToBackground) => void
}): DraftingDocument {
  const { channel, tell } = outside
  const runtime = new ScoutRuntime({
    model: new URL('/models/draft.gguf', location.href).href,
    broadcast: (message) => channel.postMessage(message),
    onPhase: (phase) => tell({ to: 'background', type: 'phase', phase }),
    onNode: (peerId) => tell({ to: 'background', type: 'node', peerId }),
    onPaired: (address) => tell({ to: 'background', type: 'paired', address }),
    onIdle: () => tell({ to: 'background', type: 'idle' }),
  })
  channel.addEventListener('message', ({ data }: MessageEvent<Broadcast>) => {
    if (data.type === 'ask') runtime.say()
  })
  browser.runtime.onConnect.addListener((port) => {
    if (port.name === CHAT_PORT) new ChatRelay(port, runtime)
  })
  void watchPower((onBattery) => runtime.setOnBattery(onBattery)).then((onBattery) => {
    if (onBattery) runtime.setOnBattery(true)
  })
  return {
    isIdle: () => runtime.idle,
    receive(message) {
      if (message.type === 'retry') runtime.retry()
      else if (message.type === 'chat') setTimeout(runtime.holdNode(), CHAT_MS)
      else if (message.type === 'task') runtime.assign(message.task)
    },
  }
}
