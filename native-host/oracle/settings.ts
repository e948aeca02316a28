/** What the Oracle's core can be told. */
export interface OracleSettings {
  /** Requests that generate at once. */
  readonly slots: number
  /** Requests that may wait for a slot; the next one is told OVERLOADED. */
  readonly maxQueue: number
  /** Most rows of one pass, all requests together; never below `slots`, never above the engine's own limit. */
  readonly maxRows: number
  /** Most prompt rows of a pass in which others decode, so that a long prompt does not stall them. */
  readonly prefillRows: number
  /** Finished sequences whose KV cache is kept for the next turn. */
  readonly cachedSequences: number
  /** Least time of a pass in milliseconds, as if the target were large; 0 = as fast as it goes. */
  readonly paceMs: number
  /** Most unverified tokens that one worker may hold for one request; how many it is granted depends on its distance. */
  readonly window: number
  /** Scouts per request; local drafters come on top. */
  readonly scoutsPerRequest: number
  /** Longest that a pass may be put off for a draft that is due, in milliseconds; 0 = never. */
  readonly maxWaitMs: number
  /** A worker that owes drafts and has sent nothing for so long is replaced, in milliseconds. */
  readonly stallMs: number
  /**
   * Verify whatever has come, whether it pays or not, and wait up to `maxWaitMs` for a draft that is owed: for tests of
   * cooperation with models too fast to need it.
   */
  readonly forceDrafts: boolean
  /** Time spent at the start on measuring what passes cost, in milliseconds; 0 = learn while running only. */
  readonly measureMs: number
  /** Times that one request survives the engine's end before it is given up: it may be what ends it. */
  readonly maxEngineLosses: number
  /** Longest that requests wait for the engine to come back, in milliseconds; a restart loads the model anew. */
  readonly engineOutageMs: number
}

export const DEFAULT_ORACLE_SETTINGS: OracleSettings = {
  slots: 4,
  maxQueue: 64,
  maxRows: 256,
  prefillRows: 64,
  cachedSequences: 8,
  paceMs: 0,
  window: 64,
  scoutsPerRequest: 2,
  maxWaitMs: 250,
  stallMs: 5_000,
  forceDrafts: false,
  measureMs: 1_000,
  maxEngineLosses: 3,
  engineOutageMs: 60_000,
}
