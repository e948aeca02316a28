// Builds the native engine, the host, the chat page and the extension. `--no-native` leaves the engine out.
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { ensureInstalled, fail, must, pinnedNode, root } from './toolchain.mjs'
import { wxt } from './wxt.mjs'

/** Exit code of native/build.mjs when there is no C++ compiler: the reference engine runs instead. */
const NO_COMPILER = 3

export async function build({ native = true } = {}) {
  const node = pinnedNode()
  if (native) {
    const { status } = spawnSync(node, [join(root, 'native', 'build.mjs')], { cwd: root, stdio: 'inherit' })
    if (status === NO_COMPILER) {
      process.stderr.write('shard: no C++ compiler: the (slower) reference engine will run\n')
    } else if (status !== 0) {
      fail('the native engine did not build (see above); --no-native builds the rest')
    }
  }
  must(node, [join(root, 'scripts', 'bundle-host.mjs')])
  must(node, [
    join(root, 'node_modules', 'vite', 'bin', 'vite.js'),
    'build',
    '--logLevel',
    'warn',
    join('entrypoints', 'chat', 'host'),
  ])
  for (const browser of ['chrome', 'firefox']) wxt('build', '--browser', browser, '--level', 'error')
}

if (process.argv[1] && import.meta.filename === process.argv[1]) {
  ensureInstalled('run')
  await build({ native: !process.argv.includes('--no-native') })
}
