import { browser } from 'wxt/browser'
import { CHAT_PORT, type ToBackground } from '../../background/messages.ts'
import type { MeshPort } from './mesh-source.ts'

/** Has the background open the document that holds the mesh's node, and connects to it. */
export async function browserMeshPort(): Promise<MeshPort> {
  await browser.runtime.sendMessage({ to: 'background', type: 'chat' } satisfies ToBackground)
  const port = browser.runtime.connect({ name: CHAT_PORT })
  return {
    // A port that has just closed throws; its event says so too.
    post(message) {
      try {
        port.postMessage(message)
      } catch (error) {
        console.warn('the port to the mesh is closed', error)
      }
    },
    onMessage: (listener) => port.onMessage.addListener(listener),
    onClose: (listener) => port.onDisconnect.addListener(() => listener()),
    close: () => port.disconnect(),
  }
}
