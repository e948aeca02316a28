import type { DraftWorker, DraftWorkerPool, RecruitNeed } from '../../shared/drafter/draft-worker.ts'

/** Several pools as one: the mesh's Scouts and the drafters of this process. */
export class CombinedPool implements DraftWorkerPool {
  readonly #pools: readonly DraftWorkerPool[]

  constructor(pools: readonly DraftWorkerPool[]) {
    this.#pools = pools
  }

  workers(): readonly DraftWorker[] {
    return this.#pools.flatMap((pool) => pool.workers())
  }

  onChange(listener: () => void): () => void {
    const stops = this.#pools.map((pool) => pool.onChange(listener))
    return () => {
      for (const stop of stops) stop()
    }
  }

  recruit(need: RecruitNeed): void {
    for (const pool of this.#pools) pool.recruit(need)
  }
}

/** Workers that are there from the start and stay: drafters of this process, or none at all. */
export class FixedPool implements DraftWorkerPool {
  readonly #workers: readonly DraftWorker[]

  constructor(workers: readonly DraftWorker[] = []) {
    this.#workers = workers
  }

  workers(): readonly DraftWorker[] {
    return this.#workers
  }

  onChange(): () => void {
    return () => {}
  }

  recruit(): void {}
}
