import type { Scope } from '../../shared/drafter/draft-worker.ts'
import type { EngineInfo } from '../../shared/engine/engine.ts'
import type { Log } from '../../shared/log.ts'
import type { Metrics } from '../metrics.ts'
import type { Generator } from '../oracle/generation.ts'
import { ApiError } from './api-error.ts'
import type { TextCodec } from './text-codec.ts'

/** This node in the mesh, as the API shows it. */
export interface MeshView {
  topology(): object
  peers(): readonly object[]
}

/** What the routes stand on. */
export interface ApiContext {
  /** Version of this program, for system_fingerprint. */
  readonly build: string
  readonly generator: Generator
  readonly codec: TextCodec
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

/** `Shard Tales target 6.3M` → `shard-tales-target-6.3m`: ids of models have no spaces. */
export function modelId({ name }: { readonly name: string }): string {
  return name
    .toLowerCase()
    .replaceAll(/[^a-z0-9._-]+/g, '-')
    .replaceAll(/^-+|-+$/g, '')
}

/** Engine build and model: texts under one seed are comparable while it stays the same. */
export function systemFingerprint(
  { build }: ApiContext,
  { kind, kernel, model, tokenizerHash }: EngineInfo,
): string {
  return `shard-${build}-${kind}-${kernel}-${modelId(model)}-${tokenizerHash.slice(0, 8)}`
}

/** @throws {ApiError} 503 when no engine is loaded, 404 when it runs another model */
export function engineFor({ generator }: ApiContext, model: string | null): EngineInfo {
  const { engine } = generator.status()
  if (!engine)
    throw new ApiError(503, 'the engine is not running yet', {
      code: 'engine_not_ready',
      headers: { 'Retry-After': '1' },
    })
  const id = modelId(engine.model)
  if (model !== null && model !== id && model !== engine.model.name)
    throw new ApiError(
      404,
      `the model ${JSON.stringify(model)} does not exist here; this Oracle runs ${id}`,
      {
        code: 'model_not_found',
        param: 'model',
      },
    )
  return engine
}
