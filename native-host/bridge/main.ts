import { join } from 'node:path'
import { nodeScript } from '../packaged/self-command.ts'
import { runBridge } from './run-bridge.ts'

// dist/bridge.js: the same as `shard bridge`, without the command line's parser, so that it starts at once.
runBridge(process.argv.slice(2), nodeScript(join(import.meta.dirname, 'shard.js')))
