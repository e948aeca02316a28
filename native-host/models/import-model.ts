import { constants } from 'node:fs'
import { copyFile, mkdir, realpath, rename, rm, symlink } from 'node:fs/promises'
import { basename, join, resolve } from 'node:path'
import { EngineError } from '../../shared/engine/engine-error.ts'
import { needSpace, type Statfs } from './free-space.ts'
import { readGgufHead } from './gguf-head.ts'
import { ModelError } from './model-error.ts'
import { modelFacts } from './model-facts.ts'
import { writeRecord } from './model-record.ts'
import type { ModelsFolder } from './models-folder.ts'
import { writeError } from './part-file.ts'
import { whileLocked } from './pull-lock.ts'
import { MODEL_NAME } from './registry.ts'
import { tidyFolder } from './remove-model.ts'
import { copyTokenizer, tokenizerFault } from './tokenizer-files.ts'

export interface ImportOptions {
  readonly how: 'copy' | 'link' | 'move'
  readonly name?: string
  readonly onNotice: (text: string) => void
  readonly statfs?: Statfs
}

export interface ImportedModel {
  readonly name: string
  readonly path: string
  readonly bytes: number
  readonly tokenizer_hash: string | null
}

/**
 * Puts a GGUF file, with the tokenizer that lies beside it, into the models folder, once its header was read.
 * @throws {ModelError} BAD_SOURCE, ALREADY_THERE, CANNOT_READ, NO_SPACE, CANNOT_WRITE, NOT_A_MODEL
 */
export async function importModel(
  file: string,
  models: ModelsFolder,
  { how, name: asked, onNotice, statfs }: ImportOptions,
): Promise<ImportedModel> {
  const from = resolve(file)
  const { gguf, bytes } = await readHead(from)
  const facts = await modelFacts(gguf)
  const name = asked ?? nameOf(from)
  if (!MODEL_NAME.test(name))
    throw new ModelError(
      'BAD_SOURCE',
      `${JSON.stringify(name)} is no name for a model: --name takes small letters, digits and . _ -`,
    )
  const there = models.find(name) ?? models.partial().find((partial) => partial.name === name)
  if (there !== undefined)
    throw new ModelError(
      'ALREADY_THERE',
      `there is a model called ${name} in ${models.path}: choose another name with --name, or remove it first`,
    )
  const folder = models.folderOf(name)
  const target = join(folder, /\.gguf$/i.test(from) ? basename(from) : `${basename(from)}.gguf`)
  try {
    await mkdir(models.path, { recursive: true, mode: 0o700 })
    await whileLocked(folder, async () => {
      await mkdir(folder, { recursive: true, mode: 0o700 })
      try {
        if (how === 'copy') await needSpace(folder, bytes, statfs)
        if (await copyTokenizer(from, folder)) onNotice('took the tokenizer that lies beside it')
        await place(from, target, how)
        await writeRecord(folder, {
          version: 1,
          name,
          file: basename(target),
          from,
          entry: null,
          licence: facts.licence,
          bytes,
          sha256: null,
          checked_by: null,
          tokenizer_hash: facts.tokenizerHash,
          at: new Date().toISOString(),
        })
      } catch (error) {
        await tidyFolder(folder)
        throw error
      }
    })
  } catch (error) {
    throw writeError(error, target)
  }
  if (facts.refused !== null) onNotice(`the engine does not run this model: ${facts.refused}`)
  const fault = await tokenizerFault(folder, facts.tokenizerHash)
  if (fault !== null) onNotice(fault)
  return { name, path: target, bytes, tokenizer_hash: facts.tokenizerHash }
}

async function readHead(path: string) {
  try {
    return await readGgufHead(path)
  } catch (error) {
    if (!(error instanceof EngineError)) throw error
    throw new ModelError('NOT_A_MODEL', `${path} was not imported: ${error.message}`, { cause: error })
  }
}

async function place(from: string, target: string, how: ImportOptions['how']): Promise<void> {
  if (how === 'link') return symlink(await realpath(from), target)
  if (how === 'move') {
    try {
      return await rename(from, target)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EXDEV') throw error
    }
  }
  const part = `${target}.copy`
  try {
    // Takes no room of its own where the file system can share blocks.
    await copyFile(from, part, constants.COPYFILE_FICLONE)
    await rename(part, target)
  } finally {
    await rm(part, { force: true })
  }
  if (how === 'move') await rm(from)
}

function nameOf(path: string): string {
  return basename(path)
    .replace(/\.gguf$/i, '')
    .toLowerCase()
    .replaceAll(/[^a-z0-9._-]+/g, '-')
    .replace(/^[^a-z0-9]+/, '')
    .slice(0, 100)
}
