// A headless Scout with the toy model in a process of its own.
import pino from 'pino'
import { parseFault } from '../../../native-host/scout/faults.ts'
import { runScout } from '../../../native-host/scout/run-scout.ts'
import { EngineDrafter } from '../../../shared/drafter/engine-drafter.ts'
import { ToyEngine } from '../toy-engine.ts'
import type { ScoutEvent, ScoutStart } from './messages.ts'

const start = JSON.parse(process.argv[2] ?? '') as ScoutStart
const { stepMs = 0 } = start
const engine = new ToyEngine({ pass: () => new Promise((resolve) => setTimeout(resolve, stepMs)) })
Object.assign(engine.info, { tokenizerHash: start.tokenizerHash })
const stop = new AbortController()
process.on('SIGTERM', () => stop.abort())
process.on('disconnect', () => process.exit(0))

await runScout(
  {
    home: start.home,
    oracles: start.oracles,
    drafter: new EngineDrafter(engine),
    capacity: start.capacity,
    serve: start.serve,
    log: pino({ level: start.logLevel ?? 'warn' }, pino.destination(2)),
    ...(start.fault ? { fault: parseFault(start.fault) } : {}),
    onStatus: (status) => process.send?.({ type: 'status', status } satisfies ScoutEvent),
  },
  stop.signal,
)
process.exit(0)
