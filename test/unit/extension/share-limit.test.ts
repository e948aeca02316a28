import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Engine } from '../../../shared/engine/engine.ts'
import { ShareLimitedEngine } from '../../../shared/engine/share-limit.ts'

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
})
afterEach(() => {
  vi.useRealTimers()
})

/** An engine whose every pass takes 10 ms, and when its passes began. */
function engine() {
  const began: number[] = []
  const verify = vi.fn(async () => {
    began.push(performance.now())
    await new Promise((resolve) => setTimeout(resolve, 10))
    return []
  })
  return { began, engine: { info: {}, verify } as unknown as Engine }
}

async function passes(limited: ShareLimitedEngine, count: number): Promise<void> {
  const all = (async () => {
    for (let i = 0; i < count; i++) await limited.verify([])
  })()
  await vi.advanceTimersByTimeAsync(count * 100)
  await all
}

describe('ShareLimitedEngine', () => {
  it('computes for its share of the time, and counts it', async () => {
    const { began, engine: inner } = engine()
    const start = performance.now()
    const limited = new ShareLimitedEngine(inner, () => 0.25)
    await passes(limited, 4)
    expect(began.map((at) => at - start)).toEqual([0, 40, 80, 120])
    expect(limited.busyMs).toBe(40)
  })

  it('takes a new share from the next pass on, and never rests when it has all', async () => {
    const { began, engine: inner } = engine()
    const start = performance.now()
    let share = 1
    const limited = new ShareLimitedEngine(inner, () => share)
    await passes(limited, 2)
    share = 0.5
    await passes(limited, 2)
    const gaps = began.map((at) => at - start).map((at, i, all) => at - (all[i - 1] ?? 0))
    // The third pass follows one that was made with the whole share; from then on the half holds.
    expect(gaps.slice(0, 2)).toEqual([0, 10])
    expect(gaps[3]).toBe(20)
  })

  it('ends a rest when the call is aborted; the engine then answers the abort', async () => {
    const { engine: inner } = engine()
    const limited = new ShareLimitedEngine(inner, () => 0.01)
    await passes(limited, 1)
    const stop = new AbortController()
    const call = limited.verify([], { signal: stop.signal })
    stop.abort()
    await vi.advanceTimersByTimeAsync(10)
    await call
    expect(inner.verify).toHaveBeenCalledTimes(2)
  })

  it('counts and rests after a pass that failed, too', async () => {
    const inner = {
      info: {},
      verify: () => Promise.reject(new Error('lost')),
    } as unknown as Engine
    const limited = new ShareLimitedEngine(inner, () => 0.5)
    await expect(limited.verify([])).rejects.toThrow('lost')
    expect(limited.busyMs).toBeGreaterThanOrEqual(0)
  })
})
