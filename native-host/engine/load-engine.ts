import { readFile } from 'node:fs/promises'
import type { Engine } from '../../shared/engine/engine.ts'
import { EngineError } from '../../shared/engine/engine-error.ts'
import { loadReferenceEngine } from '../../shared/engine/reference/reference-engine.ts'
import { DEFAULT_MAX_ROWS, DEFAULT_MAX_SEQUENCES, type EngineLoadOptions } from './engine-options.ts'
import { loadNativeAddon, type NativeAddon } from './native-addon.ts'
import { loadNativeEngine } from './native-engine.ts'

export interface LoadedEngine {
  readonly engine: Engine
  /** Why this engine and not the other, for logs and `/health`. */
  readonly why: string
}

/**
 * Loads a model into the engine that was asked for. `auto` falls back to the reference engine when the native one is not
 * built or does not run here, never because of the model.
 * @throws {EngineError} GGUF_*, MODEL_NOT_FOUND, OUT_OF_MEMORY, NATIVE_UNAVAILABLE
 */
export async function loadEngine(
  options: EngineLoadOptions,
  loadAddon: () => NativeAddon = loadNativeAddon,
): Promise<LoadedEngine> {
  if (options.kind === 'reference') {
    return { engine: await loadReference(options), why: 'the reference engine was asked for' }
  }
  const { model, kernel, threads, head, packing } = options
  try {
    const engine = await loadNativeEngine(model, {
      ...settingsOf(options),
      addon: loadAddon(),
      ...(kernel !== undefined && { kernel }),
      ...(threads !== undefined && { threads }),
      ...(head !== undefined && { head }),
      ...(packing !== undefined && { packing }),
    })
    const asked =
      options.kind === 'native' ? 'the native engine was asked for' : 'the native engine runs here'
    return { engine, why: `${asked}, kernel ${engine.info.kernel}, ${engine.info.threads} threads` }
  } catch (error) {
    const unavailable = error instanceof EngineError && error.code === 'NATIVE_UNAVAILABLE'
    if (options.kind === 'native' || !unavailable) throw error
    return {
      engine: await loadReference(options),
      why: `the slower reference engine runs because ${error.message}`,
    }
  }
}

function settingsOf({ maxSequences, maxRows, activationScales, kvCache }: EngineLoadOptions) {
  return {
    maxSequences: maxSequences ?? DEFAULT_MAX_SEQUENCES,
    maxRows: maxRows ?? DEFAULT_MAX_ROWS,
    ...(activationScales !== undefined && { activationScales }),
    ...(kvCache !== undefined && { kvCache }),
  }
}

async function loadReference(options: EngineLoadOptions): Promise<Engine> {
  return loadReferenceEngine(await readModel(options.model), settingsOf(options))
}

async function readModel(path: string): Promise<Uint8Array> {
  try {
    return await readFile(path)
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException
    if (code === 'ERR_FS_FILE_TOO_LARGE') {
      throw new EngineError('OUT_OF_MEMORY', `the reference engine takes models up to 2 GiB: ${message}`, {
        cause,
      })
    }
    throw new EngineError('MODEL_NOT_FOUND', `the model ${path} cannot be read: ${message}`, { cause })
  }
}
