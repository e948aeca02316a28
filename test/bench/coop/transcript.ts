import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import type { DraftTask } from '../../../shared/drafter/drafter.ts'

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
