import {
  type ExtensionState,
  type HostState,
  NO_HOST,
  NO_SCOUT,
  type ScoutState,
} from '../../../entrypoints/background/state.ts'
import { DEFAULT_SETTINGS, type OracleEntry, type Settings } from '../../../entrypoints/options/settings.ts'
import type { DaemonState } from '../../../shared/bridge/messages.ts'
import type { ScoutStatus } from '../../../shared/scout/scout.ts'

export const PEER_A = '12D3KooWEyoppNCUx8Yx66oV9fJnriXwCcXwDDUA2kj6vnc6iDEp'
export const PEER_B = '12D3KooWHdiAxVd8uMQR1hGWXccidmfCwLqcMpGwR6QcTP6QRMuD'
const ME = '12D3KooWSCufgHzV4fCwRijfH2k3abrpAJxTKxEvN1FDuRXA2U9x'

export const webSocket = (peer: string, host = '192.168.1.20') => `/ip4/${host}/tcp/4101/ws/p2p/${peer}`

export const oracle = (peer: string, invite: string | null = null): OracleEntry => ({
  addresses: [webSocket(peer)],
  invite,
})

export const status = (part: Partial<ScoutStatus> = {}): ScoutStatus => ({
  peerId: ME,
  state: 'waiting',
  model: 'shard-tales-draft',
  oracles: [],
  refusals: {},
  assignments: 0,
  drafted: 0,
  tested: 0,
  accepted: 0,
  tokensPerSecond: 0,
  ...part,
})

type Running = Extract<DaemonState, { state: 'running' }>

export const running = (part: Partial<Running> = {}): Running => ({
  state: 'running',
  pid: 7,
  version: '0.1.0',
  engine: { state: 'ready', kind: 'native', kernel: 'avx2', why: 'it runs here' },
  model: { id: 'target', name: 'Shard Tales target' },
  load: { slots: 4, running: 0, queued: 0 },
  memory: { ram_bytes: 123_400_000, vram_bytes: 0 },
  ...part,
})

export const host = (daemon: DaemonState | null, part: Partial<HostState> = {}): HostState => ({
  ...NO_HOST,
  port: 'open',
  daemon,
  ...part,
})

const API = { url: 'http://127.0.0.1:8080', token: 'secret', multiaddrs: [] }
export const attached = (daemon: DaemonState = running()) => host(daemon, { api: API })

export const scout = (part: Partial<ScoutState>): ScoutState => ({ ...NO_SCOUT, ...part })

/** Scout Mode on, one Oracle listed; `settings`, `scout` and `host` as given. */
export function extension(part: {
  readonly settings?: Partial<Settings>
  readonly scout?: Partial<ScoutState>
  readonly host?: HostState
}): ExtensionState {
  return {
    settings: { ...DEFAULT_SETTINGS, scoutMode: true, oracles: [oracle(PEER_A)], ...part.settings },
    scout: scout(part.scout ?? {}),
    host: part.host ?? NO_HOST,
  }
}
