import { EngineSupervisor } from '../../native-host/engine/supervisor.ts'
import { nodeScript } from '../../native-host/packaged/self-command.ts'

/** A process that owns an engine: prints the engine's process id, then begins a pass that outlives this process. */
const [entry, model] = process.argv.slice(2) as [string, string]
const supervisor = new EngineSupervisor({ self: nodeScript(entry), load: { model, kind: 'reference' } })
await supervisor.start()
const sequence = await supervisor.engine.createSequence()
process.stdout.write(`${supervisor.status.pid}\n`)
const tokens = Array.from({ length: 250 }, (_, i) => i)
await supervisor.engine.forward([{ sequence, tokens, logits: 'all' }])
