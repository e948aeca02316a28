import { browser } from 'wxt/browser'
import { type Broadcast, CHANNEL } from '../background/messages.ts'
import type { Platform } from './extension-feed.ts'

export function browserPlatform(): Platform {
  const channel = new BroadcastChannel(CHANNEL)
  return {
    readStored: () => browser.storage.local.get(null),
    store: (values) => browser.storage.local.set({ ...values }),
    onStored: (listener) => {
      browser.storage.onChanged.addListener((changes, area) => {
        if (area !== 'local') return
        listener(Object.fromEntries(Object.entries(changes).map(([key, { newValue }]) => [key, newValue])))
      })
    },
    send: (message) => browser.runtime.sendMessage(message),
    broadcast: (message) => channel.postMessage(message),
    onBroadcast: (listener) => {
      channel.addEventListener('message', ({ data }: MessageEvent<Broadcast>) => listener(data))
    },
  }
}
