import { join } from 'node:path'
import { EngineDrafter } from '../../shared/drafter/engine-drafter.ts'
import { logUncaught } from '../daemon/last-resort.ts'
import { createLogger } from '../daemon/logger.ts'
import { modelFile } from '../daemon/model-files.ts'
import { ShardError } from '../daemon/shard-error.ts'
import { loadEngine } from '../engine/load-engine.ts'
import { parseFault } from '../scout/faults.ts'
import { runScout } from '../scout/run-scout.ts'
import { loadSettings } from '../settings/load.ts'
import { SCOUT_FLAGS } from '../settings/names.ts'

export interface ScoutCommandOptions {
  readonly home?: string
  readonly fault?: string
}

/** `shard scout`: drafts for an Oracle until a signal, or until the daemon that started it is gone. */
export async function scout(flags: ReadonlyMap<string, string>, options: ScoutCommandOptions): Promise<void> {
  const { settings, home } = loadSettings({ env: process.env, flags, short: SCOUT_FLAGS })
  if (settings['scout.oracle'].length === 0 && settings['scout.serve'] === 'listed')
    throw new ShardError('USAGE', 'a Scout needs an Oracle: --oracle MULTIADDR (`shard serve` prints them)')
  const fault = options.fault === undefined ? undefined : parseFaultFlag(options.fault)
  const log = createLogger(settings['log.level'], 'scout')
  logUncaught(log)
  const over = new AbortController()
  const isChild = process.send !== undefined
  process.on('SIGTERM', () => over.abort())
  // Ctrl-C reaches every process of a terminal; a daemon's child is stopped by its parent.
  process.on('SIGINT', () => {
    if (isChild) return
    if (over.signal.aborted) process.exit(130)
    over.abort()
  })
  process.on('disconnect', () => process.exit(0))

  const threads = settings['engine.threads']
  const kernel = settings['engine.kernel']
  const { engine, why } = await loadEngine({
    model: modelFile(settings['draft.model'], 'draft'),
    kind: settings['engine.kind'],
    kvCache: settings['engine.kv_cache'],
    ...(threads > 0 && { threads }),
    ...(kernel !== 'auto' && { kernel }),
  })
  log.info({ engine: engine.info, why }, 'draft model loaded')
  await runScout(
    {
      home: options.home ?? join(home.data, 'scout'),
      oracles: settings['scout.oracle'],
      drafter: new EngineDrafter(engine),
      capacity: settings['scout.capacity'],
      serve: settings['scout.serve'],
      log,
      ...(fault && { fault }),
    },
    over.signal,
  )
  process.exit(0)
}

function parseFaultFlag(text: string): ReturnType<typeof parseFault> {
  try {
    return parseFault(text)
  } catch (cause) {
    throw new ShardError('USAGE', (cause as Error).message, { cause })
  }
}
