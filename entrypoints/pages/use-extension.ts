import { useSyncExternalStore } from 'react'
import type { ExtensionState } from '../background/state.ts'
import type { ExtensionFeed } from './extension-feed.ts'

/** The extension's state, as it changes. */
export function useExtension(feed: ExtensionFeed): ExtensionState {
  return useSyncExternalStore(feed.subscribe, feed.snapshot)
}
