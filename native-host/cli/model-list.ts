import { readdir, readFile, stat } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { parseGguf } from '../../shared/engine/gguf.ts'
import { readModelConfig } from '../../shared/engine/model-config.ts'
import { modelFile } from '../daemon/model-files.ts'
import { homeFolders } from '../settings/home.ts'

interface Listed {
  readonly name: string
  readonly architecture: string
  readonly parameters: number | null
  readonly context: number | null
  readonly bytes: number
  readonly path: string
  readonly note: string
}

/** Files beyond this are listed without being read: the reader takes them into memory. */
const MOST_READ = 256 * 1024 * 1024

/** `shard model list`: the embedded pair, and GGUF files in the models folder. */
export async function modelList(options: { readonly json?: boolean }): Promise<void> {
  const folder = join(homeFolders(process.env).data, 'models')
  const own = await readdir(folder).catch(() => [])
  const files = [
    { path: modelFile('embedded', 'target'), note: 'engine.model embedded' },
    { path: modelFile('embedded', 'draft'), note: 'draft.model embedded' },
    ...own.filter((name) => name.endsWith('.gguf')).map((name) => ({ path: join(folder, name), note: '' })),
  ]
  const models = await Promise.all(files.map(describe))
  if (options.json) {
    process.stdout.write(`${JSON.stringify(models, null, 2)}\n`)
    return
  }
  const rows = [
    ['NAME', 'ARCHITECTURE', 'PARAMETERS', 'CONTEXT', 'SIZE', 'NOTE', 'FILE'],
    ...models.map(({ name, architecture, parameters, context, bytes, note, path }) => [
      name,
      architecture,
      parameters === null ? '' : `${(parameters / 1e6).toFixed(1)} M`,
      context === null ? '' : String(context),
      `${(bytes / 1e6).toFixed(1)} MB`,
      note,
      path,
    ]),
  ]
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)))
  for (const row of rows)
    process.stdout.write(
      `${row
        .map((cell, i) => cell.padEnd(widths[i]!))
        .join('  ')
        .trimEnd()}\n`,
    )
  process.stdout.write(`\nYour own go into ${folder}, each with its tokenizer.json beside it.\n`)
}

async function describe({ path, note }: { path: string; note: string }): Promise<Listed> {
  const bytes = await stat(path).then(
    ({ size }) => size,
    () => 0,
  )
  const unread = { name: basename(path), architecture: '', parameters: null, context: null, bytes, path }
  if (bytes === 0) return { ...unread, note: 'missing' }
  if (bytes > MOST_READ) return { ...unread, note }
  try {
    const { name, architecture, parameters, contextLength } = readModelConfig(parseGguf(await readFile(path)))
    return { name, architecture, parameters, context: contextLength, bytes, path, note }
  } catch (error) {
    return { ...unread, note: (error as Error).message }
  }
}
