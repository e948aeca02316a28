// What lies inside the single executable: names as native-host/packaged/assets.ts asks for them, and their files.
import { existsSync, readdirSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { fail, root } from './toolchain.mjs'

/** @returns {Record<string, string>} path of each asset's file by its name */
export function executableAssets() {
  const named = ['build/native/shard-engine.node', 'package.json', 'models/registry.json']
  return {
    ...Object.fromEntries(named.map((name) => [name, present(join(root, ...name.split('/')))])),
    ...folder('dist/chat'),
    ...folder('models/embedded'),
    'node_datachannel.node': dataChannelAddon(),
  }
}

function folder(name) {
  const path = present(join(root, ...name.split('/')))
  const files = readdirSync(path, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
  return Object.fromEntries(
    files.map(({ parentPath, name: file }) => {
      const full = join(parentPath, file)
      return [full.slice(root.length + 1).replaceAll('\\', '/'), full]
    }),
  )
}

function present(path) {
  return existsSync(path) ? path : fail(`${path} is missing: a single executable needs all its parts`)
}

/** npm has installed the one that fits this machine, its libc included. */
function dataChannelAddon() {
  const packages = join(root, 'node_modules', '@node-datachannel')
  const names = existsSync(packages) ? readdirSync(packages) : []
  const [name, ...others] = names.filter((name) => name.startsWith(`${process.platform}-${process.arch}`))
  if (!name || others.length > 0)
    return fail(`expected one node-datachannel build for this machine in ${packages}, found ${names}`)
  return createRequire(import.meta.url).resolve(`@node-datachannel/${name}`)
}
