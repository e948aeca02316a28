import { stat } from 'node:fs/promises'
import { basename } from 'node:path'
import { modelFile } from '../daemon/model-files.ts'
import { readGgufHead } from './gguf-head.ts'
import { type ModelFacts, modelFacts } from './model-facts.ts'
import { type ModelRecord, readRecord } from './model-record.ts'
import type { InstalledModel, ModelsFolder } from './models-folder.ts'
import type { Pairable } from './pairing.ts'

/** A model that is here, and what its file says. */
export interface DescribedModel extends Pairable {
  readonly path: string
  readonly bytes: number
  /** The registry's name for it. */
  readonly entry: string | null
  /** null when the file cannot be read; `fault` says why. */
  readonly facts: ModelFacts | null
  readonly fault: string | null
  readonly record: ModelRecord | null
}

/** The embedded pair, then what lies in the models folder. */
export function modelsHere(models: ModelsFolder): InstalledModel[] {
  return [
    { name: 'embedded', path: modelFile('embedded', 'target'), folder: null },
    { name: 'embedded-draft', path: modelFile('embedded', 'draft'), folder: null },
    ...models.installed(),
  ]
}

export async function describeModel({ name, path, folder }: InstalledModel): Promise<DescribedModel> {
  const record = folder === null ? null : await readRecord(folder)
  // The record is about one file; others may have been put beside it.
  const own = record?.file === basename(path) ? record : null
  const entry = own?.entry ?? (name.startsWith('embedded') && folder === null ? name : null)
  const bytes = await stat(path).then(({ size }) => size)
  try {
    const facts = await modelFacts((await readGgufHead(path)).gguf)
    const { tokenizerHash, parameters } = facts
    return { name, path, bytes, entry, facts, fault: null, record: own, tokenizerHash, parameters }
  } catch (error) {
    const fault = (error as Error).message
    return {
      name,
      path,
      bytes,
      entry,
      facts: null,
      fault,
      record: own,
      tokenizerHash: null,
      parameters: null,
    }
  }
}
