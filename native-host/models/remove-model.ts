import { readdir, rm, rmdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { ModelError } from './model-error.ts'
import { RECORD_FILE } from './model-record.ts'
import type { ModelsFolder } from './models-folder.ts'
import { removePart } from './part-file.ts'
import { lockHolder } from './pull-lock.ts'
import type { Registry } from './registry.ts'

/** Files that come with a model, in a folder of its own. */
const COMPANIONS = ['tokenizer.json', 'tokenizer_config.json']

/** What `shard model rm` would remove; `folder` is null for a file that lies in the models folder itself. */
export interface Removal {
  readonly name: string
  readonly targets: readonly string[]
  readonly folder: string | null
}

/** @throws {ModelError} EMBEDDED, UNKNOWN_MODEL, BUSY */
export function planRemoval(name: string, folder: ModelsFolder, registry: Registry): Removal {
  const wanted = name.toLowerCase()
  const models = folder.installed().filter((model) => model.name.toLowerCase() === wanted)
  const parts = folder.partial().filter((model) => model.name.toLowerCase() === wanted)
  if (models.length + parts.length === 0) {
    if (registry.find(name)?.source.kind === 'embedded')
      throw new ModelError('EMBEDDED', `${name} is a part of Shard and cannot be removed`)
    throw new ModelError(
      'UNKNOWN_MODEL',
      `no model in ${folder.path} is called ${JSON.stringify(name)}: \`shard model list\` shows those that are`,
    )
  }
  const targets = [...new Set([...models.map(({ path }) => path), ...parts.map(({ target }) => target)])]
  const own = targets.map((target) => dirname(target)).find((parent) => parent !== folder.path)
  const pid = own === undefined ? null : lockHolder(own)
  if (pid !== null) throw new ModelError('BUSY', `process ${pid} is fetching ${name}: end it first`)
  return { name: models[0]?.name ?? parts[0]!.name, targets, folder: own ?? null }
}

/** Removes what was planned; of a link only the link. Files that Shard did not put there stay. */
export async function remove({ targets, folder }: Removal): Promise<void> {
  for (const target of targets) {
    await rm(target, { force: true })
    await removePart(target)
    await rm(`${target}.lock`, { force: true })
  }
  if (folder !== null) await tidyFolder(folder)
}

/** Takes a model's folder away when no model is in it, with what came for the model; what is somebody else's stays. */
export async function tidyFolder(folder: string): Promise<void> {
  const names = await readdir(folder).catch(() => [])
  if (names.some((name) => /\.gguf(\.part|\.lock)?$/.test(name))) return
  for (const companion of [...COMPANIONS, RECORD_FILE]) {
    await rm(join(folder, companion), { force: true })
    await removePart(join(folder, companion))
  }
  await rmdir(folder).catch(() => {})
}
