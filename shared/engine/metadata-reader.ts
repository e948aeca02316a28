import { EngineError } from './engine-error.ts'
import type { GgufValue } from './gguf.ts'

/** Typed, bounded reads of a GGUF's metadata; each throws GGUF_INVALID with the key's name. */
export class MetadataReader {
  readonly #metadata: ReadonlyMap<string, GgufValue>

  constructor(metadata: ReadonlyMap<string, GgufValue>) {
    this.#metadata = metadata
  }

  has(key: string): boolean {
    return this.#metadata.has(key)
  }

  text(key: string, fallback?: string): string {
    const value = this.#metadata.get(key) ?? fallback
    if (typeof value !== 'string')
      throw invalid(`metadata ${JSON.stringify(key)} should be a string, not ${describe(value)}`)
    return value
  }

  integer(key: string, least: number, most: number, fallback?: number): number {
    const value = this.#metadata.get(key) ?? fallback
    if (typeof value !== 'number' || !Number.isInteger(value) || value < least || value > most) {
      throw invalid(
        `metadata ${JSON.stringify(key)} should be a whole number from ${least} to ${most}, not ${describe(value)}`,
      )
    }
    return value
  }

  /** A number above 0. */
  number(key: string, fallback?: number): number {
    const value = this.#metadata.get(key) ?? fallback
    if (typeof value !== 'number' || !(value > 0) || !Number.isFinite(value)) {
      throw invalid(`metadata ${JSON.stringify(key)} should be a number above 0, not ${describe(value)}`)
    }
    return value
  }

  /** Whether a number is there and another than `neutral`. */
  differs(key: string, neutral: number): boolean {
    const value = this.#metadata.get(key)
    return value !== undefined && Number(value) !== neutral
  }
}

function invalid(message: string): EngineError {
  return new EngineError('GGUF_INVALID', message)
}

function describe(value: GgufValue | undefined): string {
  if (value === undefined) return 'missing'
  return Array.isArray(value) ? `an array of ${value.length}` : String(value).slice(0, 80)
}
