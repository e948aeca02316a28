import type { Settings } from '../options/settings.ts'
import type { HostState, ScoutState } from './state.ts'

/**
 * How the parts of the extension talk. Settings go through storage.local alone: a page writes, the background hears of it.
 * State goes over one BroadcastChannel: whoever holds a part says it when it changes and when asked; pages only listen.
 * A broadcast wakes nobody, so that drafting does not keep the service worker from being stopped.
 */
export const CHANNEL = 'shard'

export type Broadcast =
  | { readonly type: 'host'; readonly host: HostState }
  | { readonly type: 'scout'; readonly scout: ScoutState }
  /** A page has opened: say what you hold. */
  | { readonly type: 'ask' }

/** To the background, by runtime.sendMessage: these wake it. */
export type ToBackground =
  /** A page has opened: look whether all is as it should be, and say the state. */
  | { readonly to: 'background'; readonly type: 'look' }
  /** Start the local Oracle, or attach to it again. */
  | { readonly to: 'background'; readonly type: 'attach' }
  /** The chat page needs a node of the mesh for as long as its port is open. */
  | { readonly to: 'background'; readonly type: 'chat' }
  /** Load again after a problem. */
  | { readonly to: 'background'; readonly type: 'retry' }
  /** The document that drafts has loaded and asks what to do; the answer is its Task. */
  | { readonly to: 'background'; readonly type: 'task' }
  /** For the toolbar's icon. */
  | { readonly to: 'background'; readonly type: 'phase'; readonly phase: ScoutState['phase'] }
  /** This browser's node runs, under this peer id. */
  | { readonly to: 'background'; readonly type: 'node'; readonly peerId: string }
  /** An invitation was used; it is good for nothing any more. */
  | { readonly to: 'background'; readonly type: 'paired'; readonly address: string }
  /** The last chat has closed its port. */
  | { readonly to: 'background'; readonly type: 'idle' }

/** What the document that drafts is for. */
export interface Task {
  readonly draft: boolean
  readonly settings: Settings
}

/** To the document that drafts, by runtime.sendMessage. */
export type ToOffscreen =
  | { readonly to: 'offscreen'; readonly type: 'task'; readonly task: Task }
  | { readonly to: 'offscreen'; readonly type: 'retry' }
  /** A chat page has opened: its port will come. */
  | { readonly to: 'offscreen'; readonly type: 'chat' }
  /** Whether there is nothing to do any more; answered by a boolean. */
  | { readonly to: 'offscreen'; readonly type: 'idle' }

/** Name of the port over which the chat page asks an Oracle of the mesh. */
export const CHAT_PORT = 'chat'
