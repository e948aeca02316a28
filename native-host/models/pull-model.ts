import { existsSync } from 'node:fs'
import { mkdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { EngineError } from '../../shared/engine/engine-error.ts'
import { byteText } from './byte-text.ts'
import { type DownloadProgress, discardDownload, download } from './download.ts'
import { readGgufHead } from './gguf-head.ts'
import type { Hub } from './hub.ts'
import { ModelError } from './model-error.ts'
import { type ModelFacts, modelFacts } from './model-facts.ts'
import { readRecord, writeRecord } from './model-record.ts'
import type { ModelSource } from './model-source.ts'
import type { ModelsFolder } from './models-folder.ts'
import { writeError } from './part-file.ts'
import { whileLocked } from './pull-lock.ts'
import { tidyFolder } from './remove-model.ts'
import { hasTokenizer, TOKENIZER_FILES, tokenizerFault } from './tokenizer-files.ts'

/** Those of large vocabularies have 10 to 20 MB. */
const MOST_TOKENIZER_BYTES = 128 * 1024 * 1024

export interface PullOptions {
  readonly connections: number
  readonly signal: AbortSignal
  /** Fetch it again though it is there. */
  readonly force: boolean
  /** Leave the tokenizer out. */
  readonly withoutTokenizer: boolean
  readonly onProgress: (file: string, progress: DownloadProgress) => void
  readonly onNotice: (text: string) => void
}

export interface PulledModel {
  readonly name: string
  readonly path: string
  readonly bytes: number
  readonly sha256: string | null
  readonly checked_by: string | null
  readonly tokenizer: boolean
  readonly tokenizer_hash: string | null
  /** It was there already. */
  readonly already: boolean
}

/** Fetches a model and its tokenizer into a folder of their own. @throws {ModelError} */
export async function pullModel(
  source: ModelSource,
  models: ModelsFolder,
  hub: Hub,
  options: PullOptions,
): Promise<PulledModel> {
  const folder = models.folderOf(source.name)
  try {
    await mkdir(models.path, { recursive: true, mode: 0o700 })
  } catch (error) {
    throw writeError(error, models.path)
  }
  return whileLocked(folder, async () => {
    try {
      return await pullInto(folder, source, models, hub, options)
    } catch (error) {
      await tidyFolder(folder)
      throw error
    }
  })
}

async function pullInto(
  folder: string,
  source: ModelSource,
  models: ModelsFolder,
  hub: Hub,
  options: PullOptions,
): Promise<PulledModel> {
  const target = join(folder, source.file)
  refuseOthers(source, models, target)
  if (!options.withoutTokenizer) await pullTokenizer(source, folder, hub, options)
  const already = existsSync(target) && !options.force
  const done = already
    ? await known(folder, target, options)
    : await download({
        url: source.url,
        hub,
        target,
        connections: options.connections,
        signal: options.signal,
        sha256: source.sha256 === null ? null : { value: source.sha256, from: checksumSource(source) },
        magic: 'GGUF',
        onProgress: (progress) => options.onProgress(source.file, progress),
        onNotice: options.onNotice,
      })
  const facts = await lookInto(target, done.checkedBy !== null || already, options)
  const tokenizer = hasTokenizer(folder)
  if (facts !== null) await compare(source, facts, folder, options)
  const hash = facts?.tokenizerHash ?? null
  const { bytes, sha256, checkedBy } = done
  if (!already)
    await writeRecord(folder, {
      version: 1,
      name: source.name,
      file: source.file,
      from: source.url.replace(/[?#].*$/s, ''),
      entry: source.entry?.name ?? null,
      licence: source.entry?.licence.name ?? facts?.licence ?? null,
      bytes,
      sha256,
      checked_by: checkedBy,
      tokenizer_hash: hash,
      at: new Date().toISOString(),
    })
  return {
    name: source.name,
    path: target,
    bytes,
    sha256,
    checked_by: checkedBy,
    tokenizer,
    tokenizer_hash: hash,
    already,
  }
}

function checksumSource({ entry, sha256 }: ModelSource): string {
  return entry !== null && entry.sha256 === sha256 ? 'registry' : '--sha256'
}

/** One name, one model. @throws {ModelError} ALREADY_THERE */
function refuseOthers({ name }: ModelSource, models: ModelsFolder, target: string): void {
  const other = models.installed().find((model) => model.name.toLowerCase() === name && model.path !== target)
  if (other !== undefined)
    throw new ModelError(
      'ALREADY_THERE',
      `${other.path} has the name ${name}: choose another with --name, or remove it (\`shard model rm ${name}\`)`,
    )
}

async function known(folder: string, target: string, { onNotice }: PullOptions) {
  const record = await readRecord(folder)
  const { size } = await stat(target)
  onNotice(`${target} is here already (${byteText(size)}); --force fetches it again`)
  return { bytes: size, sha256: record?.sha256 ?? null, checkedBy: record?.checked_by ?? null }
}

async function pullTokenizer(
  { tokenizer, name }: ModelSource,
  folder: string,
  hub: Hub,
  options: PullOptions,
): Promise<void> {
  if (tokenizer === null || (hasTokenizer(folder) && !options.force)) return
  for (const [i, url] of tokenizer.urls.entries()) {
    const file = TOKENIZER_FILES[i]!
    const target = join(folder, file)
    try {
      await download({
        url,
        hub,
        target,
        connections: 1,
        signal: options.signal,
        mostBytes: MOST_TOKENIZER_BYTES,
        onProgress: (progress) => options.onProgress(file, progress),
      })
      await checkJson(target, url)
    } catch (error) {
      if (!(error instanceof ModelError)) throw error
      // Nobody promised that there is one beside the model.
      if (error.code === 'NOT_FOUND' && !tokenizer.listed) return
      if (error.code === 'NOT_FOUND' || error.code === 'UNAUTHORIZED' || error.code === 'NOT_A_MODEL')
        throw new ModelError(
          error.code,
          `the tokenizer of ${name} cannot be had: ${error.message}. --tokenizer OWNER/REPO names another place, --no-tokenizer fetches the model alone`,
          { cause: error },
        )
      throw error
    }
  }
}

async function checkJson(path: string, url: string): Promise<void> {
  try {
    JSON.parse(await readFile(path, 'utf8'))
  } catch (cause) {
    await discardDownload(path)
    throw new ModelError('NOT_A_MODEL', `what came from ${url} is no JSON`, { cause })
  }
}

/** @returns null when this version cannot read the file, which its checksum says is whole @throws {ModelError} NOT_A_MODEL */
async function lookInto(
  target: string,
  isChecked: boolean,
  { onNotice }: PullOptions,
): Promise<ModelFacts | null> {
  try {
    return await modelFacts((await readGgufHead(target)).gguf)
  } catch (error) {
    if (!(error instanceof EngineError)) throw error
    if (error.code === 'GGUF_INVALID' && !isChecked) {
      await discardDownload(target)
      throw new ModelError('NOT_A_MODEL', `what came is no GGUF file and was deleted: ${error.message}`, {
        cause: error,
      })
    }
    onNotice(`this version of Shard cannot read the file: ${error.message}`)
    return null
  }
}

/** What the model's first look at itself says against what was expected. */
async function compare(
  { entry }: ModelSource,
  { tokenizerHash, refused }: ModelFacts,
  folder: string,
  { onNotice }: PullOptions,
): Promise<void> {
  if (refused !== null && entry?.runs !== false) onNotice(`the engine does not run this model: ${refused}`)
  const fault = await tokenizerFault(folder, tokenizerHash)
  if (fault !== null) onNotice(fault)
  const listed = entry?.tokenizer_hash ?? null
  if (listed !== null && listed !== tokenizerHash)
    onNotice(`the registry expects the tokenizer ${listed}, the model has ${tokenizerHash ?? 'none'}`)
}
