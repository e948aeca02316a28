import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { onTestFinished } from 'vitest'
import { EngineSupervisor } from '../../native-host/engine/supervisor.ts'
import { nodeScript } from '../../native-host/packaged/self-command.ts'
import { builtAddon } from '../support/native-addon.ts'
import { tempFolder } from '../support/temp-folder.ts'
import type { OpenEngine } from './engine/open-engine.ts'
import { describeEngineContract } from './engine-contract.ts'

const ENTRY = fileURLToPath(new URL('../support/engine-entry.ts', import.meta.url))

// The native engine runs there: brought up to date first.
builtAddon()

/** The same promises over a process boundary. */
const open: OpenEngine = async (bytes, limits = {}) => {
  const model = join(await tempFolder(), 'model.gguf')
  await writeFile(model, bytes)
  const supervisor = new EngineSupervisor({
    self: nodeScript(ENTRY),
    load: { model, kind: 'native', ...limits },
  })
  onTestFinished(() => supervisor.stop())
  await supervisor.start()
  return supervisor.engine
}

describeEngineContract('engine process', open)
