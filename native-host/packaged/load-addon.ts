import { toNamespacedPath } from 'node:path'

const loaded = new Map<string, unknown>()

/** A native addon's exports. `require` would do in a checkout; a single executable's knows no files. @throws what dlopen does */
export function loadAddon(file: string): unknown {
  if (loaded.has(file)) return loaded.get(file)
  const module = { exports: {} }
  process.dlopen(module, toNamespacedPath(file))
  loaded.set(file, module.exports)
  return module.exports
}
