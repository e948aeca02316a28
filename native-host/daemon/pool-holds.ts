import type { DraftWorkerPool } from '../../shared/drafter/draft-worker.ts'

/** Resolves when the pool holds so many workers, or when the signal aborts: whether it does. */
export async function poolHolds(pool: DraftWorkerPool, count: number, signal: AbortSignal): Promise<boolean> {
  const holds = () => pool.workers().length >= count
  if (holds() || signal.aborted) return holds()
  const { promise, resolve } = Promise.withResolvers<void>()
  const off = pool.onChange(() => {
    if (holds()) resolve()
  })
  signal.addEventListener('abort', () => resolve(), { once: true })
  await promise
  off()
  return holds()
}
