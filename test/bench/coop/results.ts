import { appendFileSync, existsSync, readFileSync } from 'node:fs'
import { type Cell, cellKey } from './cells.ts'

/**
 * What has been measured, a line of JSON a cell, written after every round: a run that is cut short loses the round that it
 * was in, and the next one goes on from there. The last line of a cell is the one that counts.
 */
export class Results {
  readonly #path: string | null
  readonly #cells = new Map<string, Cell>()

  /** @param path a file that may be there from an earlier run; null: nothing is kept */
  constructor(path: string | null) {
    this.#path = path
    if (path === null || !existsSync(path)) return
    const text = readFileSync(path, 'utf8')
    if (text !== '' && !text.endsWith('\n')) appendFileSync(path, '\n')
    for (const line of text.split('\n')) {
      // A line that was being written when the run ended.
      if (!line.endsWith('}')) continue
      const cell = JSON.parse(line) as Cell
      // Of an earlier version.
      if (cell.ratios === undefined) continue
      this.#cells.set(cellKey(cell), cell)
    }
  }

  get cells(): readonly Cell[] {
    return [...this.#cells.values()]
  }

  of(key: Parameters<typeof cellKey>[0]): Cell | undefined {
    return this.#cells.get(cellKey(key))
  }

  add(cells: readonly Cell[]): void {
    for (const cell of cells) this.#cells.set(cellKey(cell), cell)
    if (this.#path !== null)
      appendFileSync(this.#path, cells.map((cell) => `${JSON.stringify(cell)}\n`).join(''))
  }
}
