import type { ResidentMemory } from './resident-memory.ts'
import type { EngineFacts, LoadOptions } from './timed-engine.ts'

/** What the bench asks of an engine's process, one at a time, and what that answers. */
export interface EngineCalls {
  load: { ask: LoadOptions; answer: EngineFacts }
  prompt: { ask: { tokens: number }; answer: { ms: number } }
  pass: { ask: { rows: number }; answer: { ms: number } }
  memory: { ask: null; answer: EngineMemory | null }
}

export interface EngineMemory {
  readonly now: ResidentMemory
  /** Before the model was loaded: Node and the addon. */
  readonly before: ResidentMemory
}

export type CallName = keyof EngineCalls

export interface EngineRequest<C extends CallName = CallName> {
  readonly call: C
  readonly ask: EngineCalls[C]['ask']
}

export type EngineReply = { readonly answer: unknown } | { readonly error: string }
