import type { Scope } from '../../shared/drafter/draft-worker.ts'
import type { EngineInfo } from '../../shared/engine/engine.ts'
import type { Log } from '../../shared/log.ts'
import type { Metrics } from '../metrics.ts'
import type { ModelHost } from './model-host.ts'

/** This node in the mesh, as the API shows it. */
export interface MeshView {
  topology(): object
  peers(): readonly object[]
}

/** What the routes stand on. */
export interface ApiContext {
  /** Version of this program, for system_fingerprint. */
  readonly build: string
  readonly models: ModelHost
  /** Facts for /health that only the daemon knows: version, settings, why the engine was chosen, the mesh. */
  readonly health: () => Readonly<Record<string, unknown>>
  readonly mesh: MeshView | null
  readonly metrics: Metrics
  readonly log: Log
  readonly scope: Scope
  readonly limits: ApiLimits
}

export interface ApiLimits {
  readonly maxBodyBytes: number
  /** Completions under way at once, waiting ones included. */
  readonly maxRequests: number
}

/** Engine build and model: texts under one seed are comparable while it stays the same. */
export function systemFingerprint(
  { build }: ApiContext,
  id: string,
  { kind, kernel, kvCache, tokenizerHash }: EngineInfo,
): string {
  const cache = kvCache === 'f16' ? '' : `-${kvCache}`
  return `shard-${build}-${kind}-${kernel}${cache}-${id}-${tokenizerHash.slice(0, 8)}`
}
