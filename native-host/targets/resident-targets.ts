import type { Log } from '../../shared/log.ts'
import type { Clock } from '../oracle/clock.ts'
import { GenerationError } from '../oracle/generation.ts'
import { Expiry } from './expiry.ts'
import { type Lease, type Resident, type ResidentStatus, Residents, type Waiter } from './residents.ts'
import { type Loadable, makeRoom } from './room.ts'

export interface ResidentLimits {
  /** Most models resident at once, those that are being loaded included. */
  readonly count: number
  /** Most memory that all of them may need; 0 = as much as the machine has. */
  readonly bytes: number
  /** Requests that may wait for a model; the next one is told OVERLOADED. */
  readonly waiting: number
  /** How long a model stays after its last request, in milliseconds, where no request says. */
  readonly keepAliveMs: number
}

export interface ResidentInit<M extends Loadable, T> {
  /** Loads a model; stops trying when the signal aborts. */
  load(model: M, signal: AbortSignal): Promise<T>
  unload(target: T): Promise<void>
  /** False once it has failed for good: the next request loads it anew. */
  isAlive(target: T): boolean
  /** Memory that is free on this machine at the moment, in bytes. */
  freeBytes(): number
  readonly limits: ResidentLimits
  /** The model that this Oracle has when nobody asks for another, and how long it stays. */
  readonly home: { readonly model: M; readonly keepAliveMs: number }
  readonly clock: Clock
  readonly log: Log
  readonly events?: ResidentEvents
}

export interface ResidentEvents {
  /** The list of resident models, or the state of one, is another. */
  changed?(): void
  loaded?(id: string, ms: number): void
  failed?(id: string): void
  unloaded?(id: string, why: UnloadReason): void
}

/** `room`: another one needed its place; `idle`: its keep-alive was over; `failed`: its engine had failed for good. */
export type UnloadReason = 'room' | 'idle' | 'failed' | 'shutdown'

/**
 * Owns which models are resident, and nothing else does: loads what requests ask for, unloads the least recently used
 * when there is no room and each when its keep-alive is over.
 *
 * Requests are served in the order in which they came. One whose model is resident is served at once, unless another
 * waits for a place: then it queues behind that one, so that a busy model cannot starve the others. A model is never
 * unloaded under a request; once it is loaded, everybody who waits for it is served, so that two models asked for in
 * turn are not loaded anew for every request.
 */
export class ResidentTargets<M extends Loadable, T> {
  readonly #init: ResidentInit<M, T>
  readonly #residents = new Residents<M, T>()
  readonly #loads = new Set<Promise<void>>()
  readonly #stop = new AbortController()
  #waiting: Waiter<M, T>[] = []
  /** Home was unloaded to make room, not because it was idle: it comes back when there is. */
  #homeGaveWay = false

  constructor(init: ResidentInit<M, T>) {
    this.#init = init
  }

  /** Resident models, the most recently used first. */
  status(): ResidentStatus<M, T>[] {
    return this.#residents.status(this.#init.clock.now())
  }

  /** The model for a request that names none: the one used last that is ready, else being loaded, else home. */
  get current(): M {
    const all = this.status()
    return (all.find(({ state }) => state === 'ready') ?? all[0])?.model ?? this.#init.home.model
  }

  /** Requests that wait for a place. */
  get waiting(): number {
    return this.#waiting.length
  }

  /** Loads home: an Oracle that starts is ready when this resolves. @throws what refused it */
  async start(): Promise<T> {
    const { model, keepAliveMs } = this.#init.home
    const lease = await this.acquire(model, keepAliveMs, new AbortController().signal)
    lease.release()
    return lease.target
  }

  /**
   * A lease of a loaded model; waits for its turn, and for the model to be loaded.
   *
   * @param keepAliveMs how long it stays afterwards; null: as before, or as the limits have it
   * @throws {TargetError} TOO_LITTLE_MEMORY {GenerationError} OVERLOADED, ABORTED, SHUTTING_DOWN; what refused the model
   */
  async acquire(model: M, keepAliveMs: number | null, signal: AbortSignal): Promise<Lease<T>> {
    if (this.#stop.signal.aborted) throw shuttingDown()
    if (signal.aborted) throw cancelled()
    const waiter = { model, keepAliveMs, grant: Promise.withResolvers<Lease<T>>() }
    const leave = () => {
      this.#forget(waiter)
      waiter.grant.reject(cancelled())
    }
    signal.addEventListener('abort', leave, { once: true })
    this.#waiting.push(waiter)
    this.#pump()
    if (this.#waiting.length > this.#init.limits.waiting && this.#waiting.at(-1) === waiter) {
      this.#forget(waiter)
      const message = `${this.#waiting.length} requests are waiting for a model already`
      waiter.grant.reject(new GenerationError('OVERLOADED', message))
    }
    try {
      return await waiter.grant.promise
    } finally {
      signal.removeEventListener('abort', leave)
    }
  }

  /** Ends all waiting with SHUTTING_DOWN, then unloads everything. */
  async stop(): Promise<void> {
    this.#stop.abort()
    const waiters = [...this.#waiting, ...this.#residents.all().flatMap(({ waiters }) => [...waiters])]
    this.#waiting = []
    for (const { grant } of waiters) grant.reject(shuttingDown())
    for (const resident of this.#residents.all())
      if (resident.target !== null) this.#unload(resident, 'shutdown')
    await Promise.all(this.#loads)
    await this.#residents.allLeft()
  }

  /** Serves whoever can be served, in order, and begins the loads for which there is room. */
  #pump(): void {
    while (!this.#stop.signal.aborted) {
      const head = this.#waiting[0]
      if (head === undefined) return
      const resident = this.#residents.get(head.model.id)
      if (resident !== undefined && resident.target === null) {
        this.#waiting.shift()
        resident.waiters.add(head)
      } else if (resident !== undefined && this.#init.isAlive(resident.target!)) {
        this.#waiting.shift()
        this.#serve(resident, head)
      } else {
        const { limits, freeBytes } = this.#init
        const victims = makeRoom(head.model, this.#residents.space(limits, freeBytes()))
        // Whoever holds what is in the way calls again.
        if (victims === null) return
        if (victims instanceof Error) {
          this.#waiting.shift()
          head.grant.reject(victims)
        } else {
          this.#begin(head.model, head.keepAliveMs ?? this.#usual(head.model), victims)
        }
      }
    }
  }

  #begin(model: M, keepAliveMs: number, victims: readonly Resident<M, T>[]): void {
    const { clock } = this.#init
    const alive = victims.filter(({ target }) => this.#init.isAlive(target!))
    for (const victim of victims) this.#unload(victim, alive.includes(victim) ? 'room' : 'failed')
    const mine = this.#waiting.filter((waiter) => waiter.model.id === model.id)
    this.#waiting = this.#waiting.filter((waiter) => waiter.model.id !== model.id)
    const resident = this.#residents.add(model, keepAliveMs, mine, clock.now())
    const load = this.#load(resident, alive).finally(() => this.#loads.delete(load))
    this.#loads.add(load)
    this.#init.events?.changed?.()
  }

  /** @param gaveWay what was unloaded for it, and worked */
  async #load(resident: Resident<M, T>, gaveWay: readonly Resident<M, T>[]): Promise<void> {
    const { load, unload, clock, events, log, home } = this.#init
    const { id } = resident.model
    try {
      await this.#residents.allLeft()
      const target = await load(resident.model, this.#stop.signal)
      if (this.#stop.signal.aborted) {
        await unload(target)
        throw shuttingDown()
      }
      resident.target = target
    } catch (error) {
      this.#residents.remove(resident)
      for (const { grant } of resident.waiters) grant.reject(error)
      if (this.#stop.signal.aborted) return
      log.warn({ err: error, model: id }, 'a model was not loaded')
      events?.failed?.(id)
      events?.changed?.()
      this.#pump()
      this.#restore(gaveWay)
      return
    }
    if (id === home.model.id) this.#homeGaveWay = false
    events?.loaded?.(id, clock.now() - resident.since)
    for (const waiter of resident.waiters) this.#serve(resident, waiter)
    resident.waiters.clear()
    events?.changed?.()
    if (resident.leases === 0) this.#idle(resident)
    this.#pump()
  }

  /** What made room in vain is loaded again, if nobody has asked for something else. */
  #restore(gaveWay: readonly Resident<M, T>[]): void {
    const last = gaveWay.filter(({ keepAliveMs }) => keepAliveMs > 0).at(-1)
    if (last === undefined || this.#residents.size > 0 || this.#waiting.length > 0) return
    this.#init.log.info({ model: last.model.id }, 'the model that made room for it is loaded again')
    this.#begin(last.model, last.keepAliveMs, [])
  }

  #serve(resident: Resident<M, T>, { keepAliveMs, grant }: Waiter<M, T>): void {
    this.#residents.stay(resident)
    this.#residents.use(resident)
    resident.leases++
    if (keepAliveMs !== null) resident.keepAliveMs = keepAliveMs
    let held = true
    const release = () => {
      if (!held) return
      held = false
      resident.leases--
      this.#residents.use(resident)
      if (resident.leases > 0) return
      this.#idle(resident)
      this.#pump()
    }
    grant.resolve({ target: resident.target!, release })
  }

  /** Its last request has ended: from now on its keep-alive runs. */
  #idle(resident: Resident<M, T>): void {
    const { clock } = this.#init
    if (this.#residents.get(resident.model.id) !== resident) return
    if (resident.keepAliveMs === Number.POSITIVE_INFINITY) return
    if (resident.keepAliveMs <= 0) this.#expire(resident)
    else resident.expiry = new Expiry(clock, resident.keepAliveMs, () => this.#expire(resident))
  }

  #expire(resident: Resident<M, T>): void {
    const { home } = this.#init
    this.#unload(resident, 'idle')
    const isForEver = home.keepAliveMs === Number.POSITIVE_INFINITY
    if (isForEver && this.#homeGaveWay && this.#residents.size === 0 && this.#waiting.length === 0)
      this.#begin(home.model, home.keepAliveMs, [])
    else this.#init.events?.changed?.()
  }

  #unload(resident: Resident<M, T>, why: UnloadReason): void {
    const { unload, log, events, home } = this.#init
    const { id } = resident.model
    this.#residents.remove(resident)
    if (id === home.model.id) this.#homeGaveWay = why === 'room'
    const gone = unload(resident.target!).catch((error: unknown) =>
      log.error({ err: error, model: id }, 'a model was not unloaded cleanly'),
    )
    this.#residents.leave(resident, gone)
    events?.unloaded?.(id, why)
  }

  #forget(waiter: Waiter<M, T>): void {
    const isHead = this.#waiting[0] === waiter
    this.#waiting = this.#waiting.filter((other) => other !== waiter)
    this.#residents.get(waiter.model.id)?.waiters.delete(waiter)
    // Whoever stood behind it may be served by now.
    if (isHead) this.#pump()
  }

  #usual(model: M): number {
    const { home, limits } = this.#init
    return model.id === home.model.id ? home.keepAliveMs : limits.keepAliveMs
  }
}

function shuttingDown(): GenerationError {
  return new GenerationError('SHUTTING_DOWN', 'the Oracle is shutting down')
}

function cancelled(): GenerationError {
  return new GenerationError('ABORTED', 'the request was cancelled')
}
