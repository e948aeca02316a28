import { describe, expect, it } from 'vitest'
import { GenerationError } from '../../../native-host/oracle/generation.ts'
import { type ResidentLimits, ResidentTargets } from '../../../native-host/targets/resident-targets.ts'
import type { Lease } from '../../../native-host/targets/residents.ts'
import { SILENT } from '../../../shared/log.ts'
import { Draws } from '../../support/draws.ts'
import { VirtualClock } from '../../support/virtual-clock.ts'

interface Model {
  readonly id: string
  readonly needBytes: number
}
interface Loaded extends Model {
  alive: boolean
}

const EVER = Number.POSITIVE_INFINITY
const MINUTE = 60_000
const NEVER = new AbortController().signal
const model = (id: string, needBytes = 10): Model => ({ id, needBytes })
const [home, a, b, c] = [model('home'), model('a'), model('b'), model('c')]

interface World {
  readonly limits?: Partial<ResidentLimits>
  readonly homeKeepAliveMs?: number
  readonly free?: number
  readonly loadMs?: number
  /** Models that refuse to load. */
  readonly broken?: ReadonlySet<string>
}

/** Residents over models that take simulated time; `story` tells what happened, in order. */
function world({ limits, homeKeepAliveMs = EVER, free = 1000, loadMs = 100, broken }: World = {}) {
  const clock = new VirtualClock()
  const story: string[] = []
  let held = 0
  const all: Loaded[] = []
  const residents = new ResidentTargets<Model, Loaded>({
    async load({ id, needBytes }, signal) {
      story.push(`load ${id}`)
      await clock.sleep(loadMs, signal)
      if (signal.aborted) throw new Error('stopped')
      if (broken?.has(id)) {
        story.push(`broken ${id}`)
        throw new Error(`${id} is broken`)
      }
      held += needBytes
      const target = { id, alive: true, needBytes }
      all.push(target)
      return target
    },
    async unload(target) {
      await clock.sleep(5)
      held -= target.needBytes
      story.push(`unload ${target.id}`)
    },
    isAlive: ({ alive }) => alive,
    freeBytes: () => free - held,
    limits: { count: 1, bytes: 0, waiting: 64, keepAliveMs: 5 * MINUTE, ...limits },
    home: { model: home, keepAliveMs: homeKeepAliveMs },
    clock,
    log: SILENT,
    events: { loaded: (id) => story.push(`loaded ${id}`) },
  })
  const run = <T>(promise: Promise<T>) => clock.run(promise, 100 * MINUTE)
  const acquire = (wanted: Model, keepAliveMs: number | null = null, signal = NEVER) =>
    residents.acquire(wanted, keepAliveMs, signal)
  /** A request that holds its model for so long. */
  const request = async (wanted: Model, ms: number, keepAliveMs: number | null = null) => {
    const lease = await acquire(wanted, keepAliveMs)
    story.push(`begin ${wanted.id}`)
    expect(lease.target.id).toBe(wanted.id)
    await clock.sleep(ms)
    story.push(`end ${wanted.id}`)
    lease.release()
  }
  const ids = () => residents.status().map(({ model: { id } }) => id)
  return { clock, residents, story, run, acquire, request, ids, all }
}

describe('which models are resident', () => {
  it('begins with home, and keeps it', async () => {
    const { residents, run, clock, ids } = world()
    expect((await run(residents.start())).id).toBe('home')
    await run(clock.sleep(30 * MINUTE))
    expect(ids()).toEqual(['home'])
    expect(residents.status()).toMatchObject([{ state: 'ready', requests: 0, expiresInMs: null }])
  })

  it('unloads what is in the way before it loads, never under a request', async () => {
    const { residents, run, request, story } = world()
    await run(residents.start())
    const first = request(home, 1000)
    const second = request(a, 10)
    await run(Promise.all([first, second]))
    expect(story).toEqual([
      'load home',
      'loaded home',
      'begin home',
      'end home',
      'unload home',
      'load a',
      'loaded a',
      'begin a',
      'end a',
    ])
  })

  it('does not let a busy model starve another, nor load two anew for every request', async () => {
    const { residents, run, request, story } = world()
    await run(residents.start())
    const all = [request(home, 1000), request(a, 50), request(home, 50), request(a, 50), request(home, 50)]
    await run(Promise.all(all))
    // The second request for `a` joins the first; those for `home` wait behind both.
    expect(story.filter((event) => event.startsWith('load '))).toEqual(['load home', 'load a', 'load home'])
    expect(story.slice(story.indexOf('loaded a') + 1)).toEqual([
      'begin a',
      'begin a',
      'end a',
      'end a',
      'unload a',
      'load home',
      'loaded home',
      'begin home',
      'begin home',
      'end home',
      'end home',
    ])
  })

  it('with room for two, the least recently used goes', async () => {
    const { residents, run, request, ids, story } = world({ limits: { count: 2 } })
    await run(residents.start())
    await run(request(a, 10))
    expect(ids()).toEqual(['a', 'home'])
    await run(request(home, 10))
    await run(request(b, 10))
    expect(ids()).toEqual(['b', 'home'])
    expect(story).toContain('unload a')
    // The one that is busy stays, though it was used longest ago.
    const busy = request(home, 1000)
    await run(request(b, 10))
    await run(request(c, 10))
    expect(ids()).toEqual(['c', 'home'])
    await run(busy)
  })

  it('keeps to a bound of memory, and says what does not fit at all', async () => {
    const { residents, run, request, acquire, ids } = world({ limits: { count: 8, bytes: 25 } })
    await run(residents.start())
    await run(request(a, 10))
    expect(ids()).toEqual(['a', 'home'])
    await run(request(b, 10))
    expect(ids()).toEqual(['b', 'a'])
    await expect(run(acquire(model('large', 26)))).rejects.toMatchObject({ code: 'TOO_LITTLE_MEMORY' })
    expect(ids()).toEqual(['b', 'a'])
  })

  it('counts what it would give back as free, and refuses what the machine has no room for', async () => {
    const { residents, run, request, acquire, ids } = world({ free: 15, limits: { count: 3 } })
    await run(residents.start())
    await run(request(a, 10))
    expect(ids()).toEqual(['a'])
    await expect(run(acquire(model('large', 16)))).rejects.toThrow(/16 B of memory.*15 B/)
    expect(ids()).toEqual(['a'])
  })
})

describe('keep_alive', () => {
  it('5 minutes after its last request a model is unloaded, and home comes back', async () => {
    const { residents, run, request, clock, story, ids } = world()
    await run(residents.start())
    await run(request(a, 10))
    await run(clock.sleep(4 * MINUTE))
    await run(request(a, 10))
    expect(residents.status()[0]!.expiresInMs).toBe(5 * MINUTE)
    await run(clock.sleep(5 * MINUTE - 1))
    expect(ids()).toEqual(['a'])
    await run(clock.sleep(1000))
    expect(ids()).toEqual(['home'])
    expect(story.slice(-3)).toEqual(['unload a', 'load home', 'loaded home'])
  })

  it('is what the last request said; one that says nothing changes nothing', async () => {
    const { residents, run, request, clock, ids } = world()
    await run(residents.start())
    await run(request(a, 10, MINUTE))
    await run(request(a, 10))
    expect(residents.status()[0]!.expiresInMs).toBe(MINUTE)
    await run(request(a, 10, EVER))
    await run(clock.sleep(90 * MINUTE))
    expect(ids()).toEqual(['a'])
  })

  it('0 unloads at once, but not under another request', async () => {
    const { residents, run, request, story, ids } = world()
    await run(residents.start())
    const long = request(home, 1000)
    await run(request(home, 10, 0))
    expect(ids()).toEqual(['home'])
    await run(long)
    expect(ids()).toEqual([])
    // It was asked to go: it stays away until somebody asks for it.
    expect(story.filter((event) => event === 'load home')).toHaveLength(1)
    await run(request(home, 10))
    expect(ids()).toEqual(['home'])
  })

  it('may be longer than a timer holds', async () => {
    const month = 30 * 24 * 60 * MINUTE
    const { residents, run, request, clock, ids } = world()
    await run(residents.start())
    await run(request(a, 10, month))
    await clock.run(clock.sleep(month - MINUTE), 2 * month)
    expect(ids()).toEqual(['a'])
    await clock.run(clock.sleep(2 * MINUTE), 2 * month)
    expect(ids()).toEqual(['home'])
  })

  it('of home, where it is set', async () => {
    const { residents, run, request, clock, ids } = world({ homeKeepAliveMs: MINUTE })
    await run(residents.start())
    await run(clock.sleep(MINUTE + 10))
    expect(ids()).toEqual([])
    await run(request(a, 10, MINUTE))
    await run(clock.sleep(2 * MINUTE))
    expect(ids()).toEqual([])
    expect(residents.current.id).toBe('home')
  })
})

describe('a load that fails', () => {
  it('tells everybody who waited, and brings back what made room for it', async () => {
    const { residents, run, acquire, clock, story, ids } = world({ broken: new Set(['a']) })
    await run(residents.start())
    const failed = [acquire(a), acquire(a)].map((one) => expect(one).rejects.toThrow('a is broken'))
    await run(Promise.all(failed))
    await run(clock.sleep(500))
    expect(ids()).toEqual(['home'])
    expect(story.slice(2)).toEqual(['unload home', 'load a', 'broken a', 'load home', 'loaded home'])
  })

  it('serves those behind it rather than what was there before', async () => {
    const { residents, run, acquire, request, story } = world({ broken: new Set(['a']) })
    await run(residents.start())
    const failed = expect(acquire(a)).rejects.toThrow('a is broken')
    await run(Promise.all([failed, request(b, 10)]))
    expect(story.filter((event) => event === 'load home')).toHaveLength(1)
    expect(story.slice(-5)).toEqual(['broken a', 'load b', 'loaded b', 'begin b', 'end b'])
  })

  it('does not bring back what had failed itself', async () => {
    const { residents, run, acquire, clock, all, story, ids } = world({ broken: new Set(['a']) })
    await run(residents.start())
    all[0]!.alive = false
    await expect(run(acquire(a))).rejects.toThrow('a is broken')
    await run(clock.sleep(500))
    expect(ids()).toEqual([])
    expect(story.filter((event) => event.startsWith('load '))).toEqual(['load home', 'load a'])
  })

  it('one whose engine has failed for good is loaded anew', async () => {
    const { residents, run, request, all, story } = world()
    await run(residents.start())
    all[0]!.alive = false
    await run(request(home, 10))
    expect(story).toEqual([
      'load home',
      'loaded home',
      'unload home',
      'load home',
      'loaded home',
      'begin home',
      'end home',
    ])
  })
})

describe('who waits', () => {
  it('may leave: those behind are served, and a load goes on', async () => {
    const { residents, run, acquire, request, clock, ids } = world()
    await run(residents.start())
    const long = request(home, 1000)
    const gone = new AbortController()
    const left = expect(acquire(a, null, gone.signal)).rejects.toMatchObject({ code: 'ABORTED' })
    const behind = request(home, 10)
    gone.abort()
    await run(Promise.all([left, behind]))
    expect(ids()).toEqual(['home'])
    await run(long)
    const loading = new AbortController()
    const impatient = expect(acquire(a, null, loading.signal)).rejects.toMatchObject({ code: 'ABORTED' })
    await run(clock.sleep(20))
    loading.abort()
    await run(impatient)
    await run(clock.sleep(200))
    expect(residents.status()).toMatchObject([{ model: { id: 'a' }, state: 'ready', requests: 0 }])
  })

  it('is bounded', async () => {
    const { residents, run, acquire, request } = world({ limits: { waiting: 2 } })
    await run(residents.start())
    const busy = request(home, 1000)
    const waiting = [request(a, 1), request(b, 1)]
    await expect(run(acquire(c))).rejects.toMatchObject({ code: 'OVERLOADED' })
    await run(Promise.all([busy, ...waiting]))
  })

  it('is told when the Oracle stops, and everything is unloaded', async () => {
    const { residents, run, acquire, story, clock } = world()
    await run(residents.start())
    const lease = await run(acquire(home))
    const waits = expect(acquire(a)).rejects.toMatchObject({ code: 'SHUTTING_DOWN' })
    await run(Promise.all([waits, residents.stop()]))
    lease.release()
    expect(story.at(-1)).toBe('unload home')
    await expect(acquire(home)).rejects.toBeInstanceOf(GenerationError)
    // In the middle of a load, too.
    const other = world()
    await other.run(other.residents.start())
    const loading = expect(other.acquire(a)).rejects.toMatchObject({ code: 'SHUTTING_DOWN' })
    await other.run(other.clock.sleep(50))
    await other.run(Promise.all([loading, other.residents.stop()]))
    await run(clock.sleep(1000))
    expect(other.residents.status()).toEqual([])
  })
})

describe('whatever happens', () => {
  it('no request holds an unloaded model, nobody waits for ever, and the limits hold', async () => {
    for (let seed = 1; seed <= 200; seed++) {
      const draws = new Draws(seed)
      const count = draws.int(1, 3)
      const { residents, run, acquire, clock } = world({
        limits: { count, bytes: draws.int(0, 1) * 25 },
        loadMs: draws.int(1, 300),
        broken: new Set(draws.int(0, 2) === 0 ? ['c'] : []),
      })
      await run(residents.start())
      const leases = new Set<Lease<Loaded>>()
      const check = () => {
        const now = residents.status()
        expect(now.length).toBeLessThanOrEqual(count)
        for (const { target } of leases) expect(now.map((one) => one.target)).toContain(target)
      }
      const requests = Array.from({ length: 30 }, async () => {
        await clock.sleep(draws.int(0, 2000))
        const wanted = [home, a, b, c][draws.int(0, 3)]!
        const gone = new AbortController()
        if (draws.int(0, 4) === 0) clock.after(draws.int(0, 200), () => gone.abort())
        try {
          const lease = await acquire(wanted, [null, 0, 500, EVER][draws.int(0, 3)]!, gone.signal)
          expect(lease.target.id).toBe(wanted.id)
          leases.add(lease)
          check()
          await clock.sleep(draws.int(1, 400))
          check()
          leases.delete(lease)
          lease.release()
        } catch (error) {
          expect((error as Error).message).toMatch(/cancelled|c is broken/)
        }
      })
      await run(Promise.all(requests))
      await run(residents.stop())
      expect(residents.status()).toEqual([])
    }
  })
})
