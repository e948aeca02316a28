import { existsSync, statSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { Tokenizer } from '../../shared/tokenizer/tokenizer.ts'
import { ModelsFolder } from '../models/models-folder.ts'
import { Registry } from '../models/registry.ts'
import { assets } from '../packaged/assets.ts'
import { homeFolders } from '../settings/home.ts'
import { ShardError } from './shard-error.ts'

/** The file of engine.model or draft.model: `embedded`, a path, or the name of an installed model. */
export function modelFile(setting: string, role: 'target' | 'draft'): string {
  const path =
    setting === 'embedded'
      ? join(assets.path('models/embedded') ?? 'models/embedded', `${role}.gguf`)
      : resolve(setting)
  if (existsSync(path) && !statSync(path).isDirectory()) return path
  const installed = new ModelsFolder(homeFolders(process.env)).find(setting)
  if (installed !== undefined) return installed.path
  const key = role === 'target' ? 'engine.model' : 'draft.model'
  const listed = Registry.load().find(setting)
  if (listed?.source.kind === 'hub')
    throw new ShardError(
      'MODEL_NOT_FOUND',
      `the model ${listed.name} is not here yet: \`shard model pull ${listed.name}\` fetches it (setting ${key})`,
    )
  throw new ShardError(
    'MODEL_NOT_FOUND',
    `there is no model at ${path} (setting ${key}); \`shard model list\` shows those that are`,
  )
}

/** The tokenizer files that lie beside a model. @throws {ShardError} TOKENIZER_NOT_FOUND, {TokenizerError} */
export async function tokenizerBeside(model: string): Promise<Tokenizer> {
  const read = async (name: string): Promise<unknown> => {
    const path = join(dirname(model), name)
    try {
      return JSON.parse(await readFile(path, 'utf8'))
    } catch (cause) {
      throw new ShardError(
        'TOKENIZER_NOT_FOUND',
        `the model ${model} needs its ${name} beside it: ${(cause as Error).message}`,
        { cause },
      )
    }
  }
  return Tokenizer.load(await read('tokenizer.json'), await read('tokenizer_config.json'))
}
