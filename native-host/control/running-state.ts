import { version } from '../packaged/version.ts'
import type { TargetHost } from '../targets/target-host.ts'
import type { RunningState } from './control-server.ts'
import { residentBytes } from './resident-bytes.ts'

/** A ready daemon, as its bridges show it. */
export function runningState(targets: TargetHost): RunningState {
  const { engine, engineState, slots, running, queued } = targets.status()
  const id = targets.currentId()
  return {
    state: 'running',
    pid: process.pid,
    version,
    engine: {
      state: engineState,
      kind: engine?.kind ?? null,
      kernel: engine?.kernel ?? null,
      why: targets.process().reason,
    },
    model: engine && id !== null ? { id, name: engine.model.name } : null,
    load: { slots, running, queued },
    memory: {
      ram_bytes: residentBytes([process.pid, ...targets.pids()]),
      // Both engines run on the CPU.
      vram_bytes: 0,
    },
  }
}
