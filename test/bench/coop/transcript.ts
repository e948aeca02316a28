import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { DraftTask } from '../../../shared/drafter/drafter.ts'
import { shapeFolder } from '../engine/shape-file.ts'

const ADDON = new URL('../../../build/native/shard-engine.node', import.meta.url)

/** What a target wrote under one seed, from the prompt's first token on. */
type Transcripts = Record<string, readonly number[]>

/** Texts of one target by seed: outputs are functions of the seed, so what was written once will be written again. */
export class TranscriptFile {
  readonly #path: string

  constructor(path: string) {
    this.#path = path
  }

  read(): Transcripts {
    return existsSync(this.#path) ? JSON.parse(readFileSync(this.#path, 'utf8')) : {}
  }

  write(transcripts: Transcripts): void {
    writeFileSync(this.#path, JSON.stringify(transcripts))
  }
}

export function transcriptKey({ key }: Pick<DraftTask, 'key'>): string {
  return `${key.hi}:${key.lo}`
}

/** Where a target's texts are kept: another build of the engine may write others. */
export function transcriptPath(shape: string, tokens: number): string {
  const folder = shapeFolder()
  mkdirSync(folder, { recursive: true })
  const build = createHash('sha256').update(readFileSync(ADDON)).digest('hex').slice(0, 12)
  return join(folder, `texts_${shape}_${tokens}_${build}.json`)
}
