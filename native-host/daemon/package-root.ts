import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

/** The folder with models/ and dist/, whether this runs as a bundle or from its sources. */
export const packageRoot: string = findRoot(import.meta.dirname)

export const version: string = JSON.parse(readFileSync(join(packageRoot, 'package.json'), 'utf8')).version

function findRoot(from: string): string {
  for (let folder = from; ; folder = dirname(folder)) {
    if (existsSync(join(folder, 'package.json')) && existsSync(join(folder, 'models'))) return folder
    if (dirname(folder) === folder) throw new Error(`no package with models/ above ${from}`)
  }
}

/** The script that this process runs; children run it too, with another verb. */
export function entryScript(): string {
  const entry = process.argv[1]
  if (!entry) throw new Error('this process was not started from a script')
  return entry
}
