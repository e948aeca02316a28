// Runs the extension's build tool on the pinned Node: `node scripts/wxt.mjs dev` or `zip`; from other scripts,
// `wxt('build', …)`.
import { join } from 'node:path'
import { ensureInstalled, must, pinnedNode, root } from './toolchain.mjs'

/** @param {...string} args as of the command `wxt` */
export function wxt(...args) {
  must(pinnedNode(), [join(root, 'node_modules', 'wxt', 'bin', 'wxt.mjs'), ...args])
}

if (process.argv[1] && import.meta.filename === process.argv[1]) {
  ensureInstalled('run')
  // `zip` makes the store packages of both browsers; Firefox's reviewers get the sources beside theirs.
  if (process.argv[2] === 'zip') for (const browser of ['chrome', 'firefox']) wxt('zip', '--browser', browser)
  // The tool's own default: build, serve, and reload what changes.
  else wxt()
}
