import type { EngineLoadOptions } from '../engine/engine-options.ts'
import { DEFAULT_MAX_ROWS, DEFAULT_MAX_SEQUENCES } from '../engine/engine-options.ts'
import type { CatalogModel } from '../models/model-catalog.ts'
import type { OracleSettings } from '../oracle/settings.ts'
import type { Settings } from '../settings/schema.ts'

export function oracleSettings(settings: Settings): Partial<OracleSettings> {
  return {
    slots: settings['scheduler.slots'],
    maxQueue: settings['scheduler.queue'],
    maxRows: settings['scheduler.max_rows'],
    prefillRows: settings['scheduler.prefill_rows'],
    cachedSequences: settings['scheduler.cached_sequences'],
    paceMs: settings['engine.pace_ms'],
    window: settings['scheduler.window'],
    scoutsPerRequest: settings['scheduler.scouts_per_request'],
    maxWaitMs: settings['scheduler.max_wait_ms'],
    stallMs: settings['scheduler.stall_ms'],
    forceDrafts: settings['scheduler.force_drafts'],
  }
}

export function engineLoad(settings: Settings, { path, packing }: CatalogModel): EngineLoadOptions {
  const kernel = settings['engine.kernel']
  const threads = settings['engine.threads']
  const sequences = settings['scheduler.slots'] + settings['scheduler.cached_sequences']
  return {
    model: path,
    kind: settings['engine.kind'],
    kvCache: settings['engine.kv_cache'],
    head: settings['engine.head'],
    packing,
    ...(kernel !== 'auto' && { kernel }),
    ...(threads > 0 && { threads }),
    // One more than all that are kept, for the request that takes a kept one's place.
    maxSequences: Math.max(DEFAULT_MAX_SEQUENCES, sequences + 1),
    maxRows: Math.max(DEFAULT_MAX_ROWS, settings['scheduler.max_rows']),
  }
}
