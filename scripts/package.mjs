// `npm run package`: daemon, bridge and command line as one file for this machine's system, build/package/shard, with
// checksums and licences beside it. `--no-install` trusts the packages that lie there.
import { createHash } from 'node:crypto'
import {
  existsSync,
  mkdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { basename, join } from 'node:path'
import { build } from './build.mjs'
import { executableAssets } from './executable-assets.mjs'
import { executableNotices } from './third-party.mjs'
import { ensureInstalled, must, pinnedNode, root } from './toolchain.mjs'

const out = join(root, 'build', 'package')
const work = join(out, '.parts')
const executable = join(out, process.platform === 'win32' ? 'shard.exe' : 'shard')
const stamp = join(work, 'stamp')

const sha256 = (bytes) => createHash('sha256').update(bytes).digest('hex')

/** Writes the executable, unless the one that lies there has the same parts. */
async function makeExecutable() {
  mkdirSync(work, { recursive: true })
  const main = join(work, 'main.cjs')
  const { bundleExecutable } = await import('./bundle-executable.mjs')
  const inputs = await bundleExecutable(main)
  const assets = executableAssets()
  // Files go out again only with these digests: native-host/packaged/unpack.ts.
  const digests = Object.fromEntries(
    Object.entries(assets).map(([name, path]) => [name, sha256(readFileSync(path))]),
  )
  const digestsFile = join(work, 'digests.json')
  writeFileSync(digestsFile, JSON.stringify(digests))
  const node = pinnedNode()
  const parts = sha256(
    [main, digestsFile, node, import.meta.filename].map((path) => sha256(readFileSync(path))).join(),
  )
  if (!isCurrent(parts)) {
    rmSync(stamp, { force: true })
    // One that runs cannot be written into: the new one takes its place.
    const fresh = join(work, basename(executable))
    rmSync(fresh, { force: true })
    await inject(node, main, { ...assets, 'digests.json': digestsFile }, fresh)
    renameSync(fresh, executable)
    writeFileSync(join(out, 'THIRD-PARTY.txt'), executableNotices(inputs, node))
    const files = [executable, join(out, 'THIRD-PARTY.txt')]
    writeFileSync(
      join(out, 'SHA256SUMS'),
      files.map((path) => `${sha256(readFileSync(path))}  ${basename(path)}\n`).join(''),
    )
    writeFileSync(stamp, `${parts} ${sha256(readFileSync(executable))}`)
  }
  const megabytes = (statSync(executable).size / 1e6).toFixed(1)
  process.stderr.write(`shard: ${executable} (${megabytes} MB)\n`)
}

function isCurrent(parts) {
  if (!existsSync(stamp) || !existsSync(executable)) return false
  return readFileSync(stamp, 'utf8') === `${parts} ${sha256(readFileSync(executable))}`
}

/**
 * pkg's `--sea` mode, by its function: its command line knows no assets and would look for Node on the network. The Node
 * given here is copied as it is and gets the script and the assets as one more section; on macOS it is signed ad hoc after.
 */
async function inject(node, main, assets, output) {
  const { default: pkg } = await import('@yao-pkg/pkg/lib-es5/sea.js')
  const platform = { darwin: 'macos', win32: 'win' }[process.platform] ?? process.platform
  await pkg.default(main, {
    targets: [{ nodeRange: `node${process.versions.node}`, platform, arch: process.arch, output }],
    nodePath: node,
    signature: true,
    seaConfig: { assets, useCodeCache: true },
  })
}

if (!process.argv.includes('--no-install')) ensureInstalled('all')
// Node 20 may have started this; the script's code cache is made by the Node that goes into the file, and pkg asks for ≥ 22.
if (realpathSync(pinnedNode()) !== realpathSync(process.execPath))
  must(pinnedNode(), [import.meta.filename, '--no-install'])
else {
  await build()
  await makeExecutable()
}
