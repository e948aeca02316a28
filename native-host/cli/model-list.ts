import { byteText } from '../models/byte-text.ts'
import { type DescribedModel, describeModel, modelsHere } from '../models/described-model.ts'
import { ModelsFolder } from '../models/models-folder.ts'
import { readPart } from '../models/part-file.ts'
import { lockHolder } from '../models/pull-lock.ts'
import { Registry, type RegistryEntry } from '../models/registry.ts'
import { homeFolders } from '../settings/home.ts'
import { textTable } from './text-table.ts'

interface Listed {
  readonly name: string
  readonly title: string | null
  readonly state: 'installed' | 'partial' | 'available'
  readonly architecture: string | null
  readonly parameters: number | null
  readonly context: number | null
  readonly bytes: number | null
  readonly licence: string | null
  /** Whether this version's engine runs it; null = its file says, when it is here. */
  readonly runs: boolean | null
  readonly path: string | null
  readonly note: string
}

const EMBEDDED_NOTES: Readonly<Record<string, string>> = {
  embedded: 'engine.model embedded',
  'embedded-draft': 'draft.model embedded',
}

/** `shard model list`: the embedded pair, what is in the models folder, whole or in part, and what could be. */
export async function modelList(options: { readonly json?: boolean; readonly all?: boolean }): Promise<void> {
  const models = new ModelsFolder(homeFolders(process.env))
  const registry = Registry.load()
  const here = await Promise.all(modelsHere(models).map(describeModel))
  const partial = await Promise.all(
    models.partial().map(({ name, target }) => describePart(name, target, models)),
  )
  const rows = [...here.map(installed), ...partial]
  if (options.all) {
    const names = new Set([...rows.map(({ name }) => name), ...here.map(({ entry }) => entry)])
    rows.push(...registry.models.filter(({ name }) => !names.has(name)).map(available))
  }
  if (options.json) {
    process.stdout.write(`${JSON.stringify(rows, null, 2)}\n`)
    return
  }
  const cells = rows.map(({ name, architecture, parameters, context, bytes, note, path }) => [
    name,
    architecture ?? '',
    parameters === null ? '' : `${(parameters / 1e6).toFixed(1)} M`,
    context === null ? '' : String(context),
    bytes === null ? '' : byteText(bytes),
    note,
    path ?? '',
  ])
  process.stdout.write(
    textTable([['NAME', 'ARCHITECTURE', 'PARAMETERS', 'CONTEXT', 'SIZE', 'NOTE', 'FILE'], ...cells]),
  )
  process.stdout.write(
    `\nYour own go into ${models.path} (\`shard model import FILE\`).${options.all ? '' : ' --all shows what `shard model pull NAME` fetches.'}\n`,
  )
}

function installed({ name, path, bytes, facts, fault, record }: DescribedModel): Listed {
  const why = fault ?? facts?.refused ?? null
  return {
    name,
    title: facts?.title ?? null,
    state: 'installed',
    architecture: facts?.architecture ?? null,
    parameters: facts?.parameters ?? null,
    context: facts?.contextLength ?? null,
    bytes,
    licence: record?.licence ?? facts?.licence ?? null,
    runs: why === null,
    path,
    note: why === null ? (EMBEDDED_NOTES[name] ?? '') : `does not run: ${why}`,
  }
}

async function describePart(name: string, target: string, models: ModelsFolder): Promise<Listed> {
  const part = await readPart(target)
  const pid = lockHolder(models.folderOf(name))
  const share = part?.size ? `${Math.floor((100 * part.bytes) / part.size)} %` : 'a part'
  const doing = pid === null ? 'is here, pull it again to go on' : `is here, process ${pid} is fetching it`
  return {
    name,
    title: null,
    state: 'partial',
    architecture: null,
    parameters: null,
    context: null,
    bytes: part?.bytes ?? null,
    licence: null,
    runs: null,
    path: `${target}.part`,
    note: `${share} ${doing}`,
  }
}

function available({
  name,
  title,
  architecture,
  parameters,
  approx_bytes,
  licence,
  source,
  runs,
  why,
}: RegistryEntry): Listed {
  const how = source.kind === 'hub' ? `shard model pull ${name}` : 'in the browser'
  return {
    name,
    title,
    state: 'available',
    architecture,
    parameters,
    context: null,
    bytes: approx_bytes,
    licence: licence.name,
    runs,
    path: null,
    note: runs ? how : `does not run: ${why}`,
  }
}
