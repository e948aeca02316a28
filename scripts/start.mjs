// `npm start`: install, build, and run an Oracle with the embedded target and two Scouts with the embedded draft.
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { build } from './build.mjs'
import { ensureInstalled, pinnedNode, root } from './toolchain.mjs'

// The embedded target answers in under a millisecond; this pass time is that of a model of some billions of weights,
// so that what Scouts are for can be seen. `--pace 0` turns it off.
const DEFAULTS = ['--scouts', '2', '--pace', '60']

ensureInstalled('run')
await build()
const daemon = spawn(
  pinnedNode(),
  [join(root, 'dist', 'shard.js'), 'serve', ...DEFAULTS, ...process.argv.slice(2)],
  {
    stdio: 'inherit',
  },
)
// Ctrl-C reaches the whole process group; the daemon stops its children and then itself, and we go last.
process.on('SIGINT', () => {})
process.on('SIGTERM', () => daemon.kill('SIGTERM'))
daemon.on('exit', (code, signal) => process.exit(code ?? (signal === 'SIGINT' ? 130 : 1)))
