import { modelId } from '../api/context.ts'
import type { EngineStateEvent } from '../engine/supervisor.ts'
import type { OracleStatus } from '../oracle/generation.ts'
import { version } from '../packaged/version.ts'
import type { RunningState } from './control-server.ts'
import { residentBytes } from './resident-bytes.ts'

/** A ready daemon, as its bridges show it. */
export function runningState(
  { engine, slots, running, queued }: OracleStatus,
  process_: EngineStateEvent,
): RunningState {
  return {
    state: 'running',
    pid: process.pid,
    version,
    engine: {
      state: process_.state,
      kind: engine?.kind ?? null,
      kernel: engine?.kernel ?? null,
      why: process_.reason,
    },
    model: engine && { id: modelId(engine.model), name: engine.model.name },
    load: { slots, running, queued },
    memory: {
      ram_bytes: residentBytes([process.pid, process_.pid]),
      // Both engines run on the CPU.
      vram_bytes: 0,
    },
  }
}
