import type { DraftWorker, DraftWorkerPool, RecruitNeed } from './draft-worker.ts'

/** A pool of workers that its owner fills and empties; `recruit` does nothing here. */
export class WorkerSet implements DraftWorkerPool {
  readonly #workers = new Set<DraftWorker>()
  readonly #listeners = new Set<() => void>()

  constructor(workers: Iterable<DraftWorker> = []) {
    for (const worker of workers) this.#workers.add(worker)
  }

  workers(): readonly DraftWorker[] {
    return [...this.#workers]
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  recruit(_need: RecruitNeed): void {}

  add(worker: DraftWorker): void {
    this.#workers.add(worker)
    for (const listener of this.#listeners) listener()
  }

  delete(worker: DraftWorker): void {
    if (this.#workers.delete(worker)) for (const listener of this.#listeners) listener()
  }
}

/** Several pools as one: the mesh's Scouts and this process's own drafters. */
export function joinPools(...pools: readonly DraftWorkerPool[]): DraftWorkerPool {
  return {
    workers: () => pools.flatMap((pool) => pool.workers()),
    onChange(listener) {
      const ends = pools.map((pool) => pool.onChange(listener))
      return () => {
        for (const end of ends) end()
      }
    },
    recruit(need) {
      for (const pool of pools) pool.recruit(need)
    },
  }
}
