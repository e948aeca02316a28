import { type Dirent, existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Home } from '../settings/home.ts'

/** A model in the models folder: `NAME/x.gguf` with its tokenizer beside it, or `NAME.gguf` that somebody put there. */
export interface InstalledModel {
  readonly name: string
  readonly path: string
  /** Its folder, when it has one of its own. */
  readonly folder: string | null
}

/** A file of which parts are here. */
export interface PartialModel {
  readonly name: string
  /** What it is going to be. */
  readonly target: string
}

interface FoundFile {
  readonly folder: string | null
  readonly file: string
  readonly path: string
}

export class ModelsFolder {
  readonly path: string

  constructor(home: Home) {
    this.path = join(home.data, 'models')
  }

  folderOf(name: string): string {
    return join(this.path, name)
  }

  installed(): InstalledModel[] {
    return this.#files('.gguf').map(({ folder, file, path }) => ({
      name: folder ?? file.slice(0, -'.gguf'.length),
      path,
      folder: folder === null ? null : join(this.path, folder),
    }))
  }

  partial(): PartialModel[] {
    return this.#files('.gguf.part').map(({ folder, file, path }) => ({
      name: folder ?? file.replace(/\.gguf\.part$/, ''),
      target: path.slice(0, -'.part'.length),
    }))
  }

  /** By name, in any case of letters. */
  find(name: string): InstalledModel | undefined {
    const wanted = name.toLowerCase()
    return this.installed().find((model) => model.name.toLowerCase() === wanted)
  }

  #files(ending: string): FoundFile[] {
    const found = entries(this.path).flatMap((entry): FoundFile[] => {
      if (isFile(entry)) return [{ folder: null, file: entry.name, path: join(this.path, entry.name) }]
      if (!entry.isDirectory()) return []
      const folder = join(this.path, entry.name)
      return entries(folder)
        .filter(isFile)
        .map(({ name }) => ({ folder: entry.name, file: name, path: join(folder, name) }))
    })
    // A link whose file is gone is no model.
    return found.filter(({ file, path }) => file.endsWith(ending) && existsSync(path))
  }
}

function entries(folder: string): Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1))
  } catch {
    return []
  }
}

function isFile(entry: Dirent): boolean {
  return entry.isFile() || entry.isSymbolicLink()
}
