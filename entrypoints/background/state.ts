import type { DaemonState } from '../../shared/bridge/messages.ts'
import type { ScoutStatus } from '../../shared/scout/scout.ts'
import type { Settings } from '../options/settings.ts'

/** Something that went wrong, in words for the user. */
export interface Problem {
  /** Stable: `DEVICE_LOST`, `MODEL`, `WORKER`, `NODE`, … */
  readonly code: string
  readonly message: string
  /** What the user can do. */
  readonly help: string
}

export interface LoadProgress {
  readonly step: 'read' | 'compile'
  /** Of the whole load, 0 … 1; never goes back. */
  readonly fraction: number
  readonly bytes: number
  readonly totalBytes: number
  /** null: too early to say. */
  readonly secondsLeft: number | null
}

/** Which engine drafts and why; shown, so that a slow one is no surprise. */
export interface EngineFacts {
  readonly kind: 'wgsl' | 'reference'
  readonly kernel: string
  readonly model: string
  readonly parameters: number
  readonly why: string
}

/** What the document that drafts says of itself; `off` when there is none. */
export interface ScoutState {
  readonly phase: 'off' | 'loading' | 'searching' | 'ready' | 'drafting' | 'paused' | 'error'
  readonly loading: LoadProgress | null
  readonly engine: EngineFacts | null
  /** null before the node runs. */
  readonly scout: ScoutStatus | null
  /** Share of the last seconds in which the engine computed, 0 … 1. */
  readonly busy: number
  /** Peers connected. */
  readonly peers: number
  readonly pausedBecause: 'battery' | null
  readonly problem: Problem | null
}

/** What the background knows of the native host. */
export interface HostState {
  /** `absent`: no native host is registered, or it refused; `open`: a bridge answers. */
  readonly port: 'absent' | 'opening' | 'open'
  readonly daemon: DaemonState | null
  /** The daemon's API, once attached, and where its node is. */
  readonly api: {
    readonly url: string
    readonly token: string
    readonly multiaddrs: readonly string[]
  } | null
  readonly problem: Problem | null
}

/** All that a page shows. */
export interface ExtensionState {
  readonly settings: Settings
  readonly scout: ScoutState
  readonly host: HostState
}

export const NO_SCOUT: ScoutState = {
  phase: 'off',
  loading: null,
  engine: null,
  scout: null,
  busy: 0,
  peers: 0,
  pausedBecause: null,
  problem: null,
}

export const NO_HOST: HostState = { port: 'absent', daemon: null, api: null, problem: null }

/** A local Oracle answers: prompts go to it, and by default nothing is drafted here. */
export function hasLocalOracle(host: HostState): boolean {
  return host.api !== null && host.daemon?.state === 'running' && host.daemon.engine.state !== 'failed'
}

/** Whether the offscreen document should draft. */
export function shouldDraft(settings: Settings, host: HostState): boolean {
  return settings.scoutMode && (settings.beside === 'draft' || !hasLocalOracle(host))
}
