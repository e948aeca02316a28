import { existsSync } from 'node:fs'
import { copyFile, readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { Tokenizer } from '../../shared/tokenizer/tokenizer.ts'

export const TOKENIZER_FILES = ['tokenizer.json', 'tokenizer_config.json'] as const

export function hasTokenizer(folder: string): boolean {
  return TOKENIZER_FILES.every((name) => existsSync(join(folder, name)))
}

/** Copies the tokenizer that lies beside a model. @returns whether there is one */
export async function copyTokenizer(model: string, folder: string): Promise<boolean> {
  const from = dirname(model)
  if (!hasTokenizer(from)) return false
  for (const name of TOKENIZER_FILES) await copyFile(join(from, name), join(folder, name))
  return true
}

/**
 * Whether the tokenizer in a folder is the one that the model was made with.
 * @returns null when all is well, else what is wrong, in words
 */
export async function tokenizerFault(folder: string, modelHash: string | null): Promise<string | null> {
  if (!hasTokenizer(folder))
    return `the engine wants ${TOKENIZER_FILES.join(' and ')} beside the model: put those that it came with into ${folder}`
  try {
    const [file, config] = await Promise.all(
      TOKENIZER_FILES.map(async (name) => JSON.parse(await readFile(join(folder, name), 'utf8'))),
    )
    const { hash } = await Tokenizer.load(file, config)
    if (modelHash === null || hash === modelHash) return null
    return `the tokenizer in ${folder} is another model's: its hash is ${hash}, the model's is ${modelHash}`
  } catch (error) {
    return `the tokenizer in ${folder} does not load: ${(error as Error).message}`
  }
}
