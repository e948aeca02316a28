import type { EngineInfo } from '../../shared/engine/engine.ts'
import type { Generator, OracleStatus } from '../oracle/generation.ts'
import type { TextCodec } from './text-codec.ts'

/** A loaded model, held for one request. */
export interface ModelLease {
  readonly id: string
  readonly engine: EngineInfo
  readonly generator: Generator
  readonly codec: TextCodec
  /** Once the request has ended; further calls do nothing. */
  release(): void
}

/** What a request says of its model. */
export interface ModelWish {
  /** Id, name or title; null: the model that is loaded, or the Oracle's own. */
  readonly model: string | null
  /** How long it stays loaded afterwards, in milliseconds; null: as the settings have it. */
  readonly keepAliveMs: number | null
}

/** One installed model, as `/v1/models` shows it; null where its file does not say. */
export interface ListedModel {
  readonly id: string
  readonly name: string | null
  readonly createdS: number
  readonly architecture: string | null
  readonly parameters: number | null
  readonly contextLength: number | null
  readonly vocabulary: number | null
  readonly bytes: number
  readonly state: 'loading' | 'loaded' | 'unloaded'
  /** Once loaded: what runs it. */
  readonly engine: EngineInfo | null
}

/** The models behind the API: which there are, and the one that a request asks for, loaded. */
export interface ModelHost {
  /** Of the model that was used last. */
  status(): OracleStatus
  /** Its id; null while no model is loaded. */
  currentId(): string | null
  /** Those that can be loaded. */
  list(): Promise<readonly ListedModel[]>
  /** Id of the model that a request names. @throws {TargetError} MODEL_NOT_FOUND, NOT_LOADABLE */
  idOf(model: string | null): Promise<string>
  /**
   * Waits until the model is loaded and holds it.
   * @throws {TargetError} {GenerationError} {EngineError}
   */
  use(wish: ModelWish, signal: AbortSignal): Promise<ModelLease>
}
