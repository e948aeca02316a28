import type { ListenSettings } from '../../../native-host/mesh/listen.ts'
import type { MeshPeer, MeshTopology } from '../../../native-host/mesh/oracle-mesh.ts'
import type { GenerateEvent, GenerateRequest, NodeInfo } from '../../../shared/protocol/generate-frames.ts'
import type { ScoutStatus } from '../../../shared/scout/scout.ts'
import type { NoiseKey } from '../../../shared/verify/settings.ts'

export interface OracleStart {
  readonly directory: string
  readonly listen: ListenSettings
  readonly scope: 'own' | 'swarm'
  readonly paired: readonly string[]
  readonly tokenizerHash: string
  readonly bootstrap?: readonly string[]
  readonly relays?: readonly string[]
  readonly notReady?: boolean
  readonly logLevel?: string
}

export type OracleCommand =
  | {
      readonly type: 'generate'
      readonly id: number
      readonly worker: string
      readonly prompt: readonly number[]
      readonly tokens: number
      readonly key: NoiseKey
      readonly window: number
    }
  /** Sends one worker as much as it takes, never looking at its drafts, until it is closed. */
  | { readonly type: 'pour'; readonly worker: string; readonly tokens: number }
  | { readonly type: 'recruit'; readonly scope: 'own' | 'swarm' }
  | { readonly type: 'ready' }
  | { readonly type: 'peers' }
  | { readonly type: 'stop' }

export type OracleEvent =
  | { readonly type: 'ready'; readonly peerId: string; readonly addresses: MeshTopology['addresses'] }
  | { readonly type: 'workers'; readonly ids: readonly string[] }
  | { readonly type: 'drafting'; readonly id: number }
  | {
      readonly type: 'generated'
      readonly id: number
      readonly drafted: number
      readonly accepted: number
      readonly frames: number
      readonly closed: { readonly reason: string; readonly fault: boolean } | null
    }
  | { readonly type: 'poured'; readonly reason: string; readonly fault: boolean; readonly rssMib: number }
  | { readonly type: 'fault'; readonly peerId: string; readonly code: string }
  | { readonly type: 'refused'; readonly peerId: string; readonly reason: string }
  | { readonly type: 'left'; readonly peerId: string; readonly reason: string }
  | { readonly type: 'rejected'; readonly topic: string; readonly peerId: string }
  | { readonly type: 'offered' }
  | { readonly type: 'peers'; readonly peers: readonly MeshPeer[] }

export interface ScoutStart {
  readonly home: string
  readonly oracles: readonly string[]
  readonly serve: 'listed' | 'swarm'
  readonly capacity: number
  readonly tokenizerHash: string
  /** Milliseconds that a draft step takes. */
  readonly stepMs?: number
  readonly fault?: string
  readonly logLevel?: string
}

export interface ScoutEvent {
  readonly type: 'status'
  readonly status: ScoutStatus
}

/** A device of the owner's, or one that would be: its own process, its own key. */
export interface DeviceStart {
  readonly directory: string
}

export type DeviceCommand =
  | { readonly type: 'pair'; readonly link: string }
  /** Asks are numbered; the seed is text, as JSON has no 64-bit integers. */
  | {
      readonly type: 'ask'
      readonly id: number
      readonly addresses: readonly string[]
      readonly request: Omit<GenerateRequest, 'seed'> & { readonly seed?: string }
    }
  | { readonly type: 'cancel'; readonly id: number }
  | { readonly type: 'info'; readonly addresses: readonly string[] }

export type DeviceEvent =
  | { readonly type: 'ready'; readonly peerId: string }
  /** Code null: it is. */
  | { readonly type: 'paired'; readonly code: string | null }
  | { readonly type: 'event'; readonly id: number; readonly event: GenerateEvent }
  | {
      readonly type: 'ended'
      readonly id: number
      readonly code: string | null
      readonly message: string
      readonly retryAfterS: number | null
    }
  | { readonly type: 'info'; readonly info: NodeInfo | null; readonly code: string | null }
