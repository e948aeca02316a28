import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { getAsset, getRawAsset, isSea } from 'node:sea'
import { homeFolders } from '../settings/home.ts'
import { type Packed, unpack } from './unpack.ts'

/**
 * The files that come with the program: those of the checkout that it runs from, or those inside the single executable.
 * A name is a path in the checkout, with `/`: `models/embedded/target.gguf`.
 */
export interface Assets {
  /** Names of all files in a folder, at any depth; none when there is no such folder. */
  list(folder: string): readonly string[]
  /** @throws when there is no such file */
  read(name: string): Uint8Array<ArrayBuffer>
  /**
   * Where a file or a folder lies, for code that opens files itself (the engine, dlopen); null when it is not there. An
   * executable unpacks it into the cache folder first, and checks what an earlier start has unpacked.
   */
  path(name: string): string | null
}

/** The asset that `npm run package` adds: every other asset's SHA-256, in hex. */
const DIGESTS = 'digests.json'

export const assets: Assets = isSea() ? packedAssets() : checkoutAssets()

function checkoutAssets(): Assets {
  const root = checkoutRoot(import.meta.dirname)
  return {
    list(folder) {
      const path = join(root, folder)
      if (!existsSync(path)) return []
      return readdirSync(path, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map((entry) =>
          join(entry.parentPath, entry.name)
            .slice(root.length + 1)
            .replaceAll('\\', '/'),
        )
    },
    read: (name) => new Uint8Array(readFileSync(join(root, name))),
    path(name) {
      const path = join(root, name)
      return existsSync(path) ? path : null
    },
  }
}

/** The folder with package.json and models/, whether this runs as dist/shard.js or from its sources. */
function checkoutRoot(from: string): string {
  for (let folder = from; ; folder = dirname(folder)) {
    if (existsSync(join(folder, 'package.json')) && existsSync(join(folder, 'models'))) return folder
    if (dirname(folder) === folder) throw new Error(`no package with models/ above ${from}`)
  }
}

function packedAssets(): Assets {
  const digests = new Map(Object.entries(JSON.parse(getAsset(DIGESTS, 'utf8')) as Record<string, string>))
  const within = (folder: string) => [...digests.keys()].filter((name) => name.startsWith(`${folder}/`))
  const places = new Map<string, string>()
  return {
    list: within,
    read: (name) => new Uint8Array(getAsset(name)),
    path(name) {
      const known = places.get(name)
      if (known !== undefined) return known
      const names = digests.has(name) ? [name] : within(name)
      if (names.length === 0) return null
      const base = dirname(name)
      const files = names.map(
        (file): Packed => ({
          path: base === '.' ? file : file.slice(base.length + 1),
          sha256: digests.get(file)!,
          // Not a copy: the bytes lie in the executable's read-only pages.
          bytes: () => new Uint8Array(getRawAsset(file)),
        }),
      )
      const place = join(
        unpack(join(homeFolders(process.env).cache, 'unpacked'), files),
        name.slice(base === '.' ? 0 : base.length + 1),
      )
      places.set(name, place)
      return place
    },
  }
}
