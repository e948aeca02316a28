import { browser } from 'wxt/browser'
import type { ScoutState } from './state.ts'

const WORDS: Readonly<Record<ScoutState['phase'], readonly [title: string, badge: string]>> = {
  off: ['Shard', ''],
  loading: ['Shard: loading the draft model', '…'],
  searching: ['Shard: looking for an Oracle', '…'],
  ready: ['Shard: ready to draft', ''],
  drafting: ['Shard: drafting', '▸'],
  paused: ['Shard: paused', 'II'],
  error: ['Shard: something is wrong', '!'],
}

/** The toolbar's icon says what goes on, for whoever never opens the popup. */
export function showPhase(phase: ScoutState['phase']): void {
  const [title, text] = WORDS[phase]
  void browser.action.setTitle({ title })
  void browser.action.setBadgeText({ text })
  void browser.action.setBadgeBackgroundColor({ color: phase === 'error' ? '#b42318' : '#0f766e' })
}
