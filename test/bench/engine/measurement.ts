import type { Contender, ContenderFacts } from './contender.ts'
import type { Samples } from './samples.ts'

/** Everything that was found with one number of threads. */
export interface Measurement {
  readonly shape: string
  readonly threads: number
  readonly contenders: readonly { readonly contender: Contender; readonly facts: ContenderFacts }[]
  readonly memory: MemorySpeed | null
}

export interface MemorySpeed {
  /** Bytes per second, read by as many threads as the engines have, and by one. */
  readonly together: Samples
  readonly alone: Samples
  /** What our engine's file has a pass over one row read. */
  readonly passBytes: number
}

/** What no pass can be faster than, by the fastest that memory was seen to be. */
export const floorMs = ({ together, passBytes }: MemorySpeed) => (passBytes / together.most) * 1000
