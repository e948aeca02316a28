import type { Engine } from '../../../shared/engine/engine.ts'

export interface OpenOptions {
  readonly maxSequences?: number
  readonly maxRows?: number
}

/**
 * Loads a GGUF file given by its bytes into the engine under test. What has to be ended besides the engine (a process, a
 * file) is ended by the opener, with vitest's onTestFinished.
 */
export type OpenEngine = (model: Uint8Array, options?: OpenOptions) => Promise<Engine>
