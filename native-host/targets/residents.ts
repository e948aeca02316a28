import type { Expiry } from './expiry.ts'
import { byUse, type Loadable, type Space } from './room.ts'

/** Holds a resident model for one request: while there is one, the model is not unloaded. */
export interface Lease<T> {
  readonly target: T
  /** Once the request has ended; further calls do nothing. */
  release(): void
}

/** A request that wants a model. */
export interface Waiter<M, T> {
  readonly model: M
  readonly keepAliveMs: number | null
  readonly grant: PromiseWithResolvers<Lease<T>>
}

export interface Resident<M, T> {
  readonly model: M
  target: T | null
  leases: number
  keepAliveMs: number
  usedAt: number
  readonly since: number
  /** Requests for it while it is being loaded. */
  readonly waiters: Set<Waiter<M, T>>
  /** While it is idle and will be unloaded. */
  expiry: Expiry | null
}

export interface ResidentStatus<M, T> {
  readonly model: M
  readonly state: 'loading' | 'ready'
  readonly target: T | null
  /** Requests that hold it, and that wait for it to be loaded. */
  readonly requests: number
  /** Milliseconds since it began to be loaded. */
  readonly ageMs: number
  /** Milliseconds until it is unloaded if nobody asks for it; null while it is used, or for ever. */
  readonly expiresInMs: number | null
}

/** The book of resident models: what is loading, loaded and leaving, and the order in which they were used. */
export class Residents<M extends Loadable, T> {
  readonly #residents = new Map<string, Resident<M, T>>()
  readonly #leaving = new Map<Promise<void>, M>()
  #uses = 0

  get size(): number {
    return this.#residents.size
  }

  get(id: string): Resident<M, T> | undefined {
    return this.#residents.get(id)
  }

  all(): Resident<M, T>[] {
    return [...this.#residents.values()]
  }

  /** One that begins to be loaded, for those who wait for it. */
  add(model: M, keepAliveMs: number, waiters: readonly Waiter<M, T>[], now: number): Resident<M, T> {
    const resident: Resident<M, T> = {
      model,
      target: null,
      leases: 0,
      keepAliveMs,
      usedAt: ++this.#uses,
      since: now,
      waiters: new Set(waiters),
      expiry: null,
    }
    this.#residents.set(model.id, resident)
    return resident
  }

  /** It is the one used last from now on. */
  use(resident: Resident<M, T>): void {
    resident.usedAt = ++this.#uses
  }

  /** No request counts on it any more. */
  remove(resident: Resident<M, T>): void {
    this.#residents.delete(resident.model.id)
    this.stay(resident)
  }

  /** It does not go by itself any more. */
  stay(resident: Resident<M, T>): void {
    resident.expiry?.callOff()
    resident.expiry = null
  }

  /** Its memory is not free before this promise resolves. */
  leave({ model }: Resident<M, T>, gone: Promise<void>): void {
    const left = gone.finally(() => this.#leaving.delete(left))
    this.#leaving.set(left, model)
  }

  /** Resolves once all are gone that are leaving now. */
  async allLeft(): Promise<void> {
    await Promise.all(this.#leaving.keys())
  }

  space(limits: Space<Resident<M, T>>['limits'], freeBytes: number): Space<Resident<M, T>> {
    return { residents: this.all(), leaving: [...this.#leaving.values()], limits, freeBytes }
  }

  /** The most recently used first. */
  status(now: number): ResidentStatus<M, T>[] {
    return byUse(this.all())
      .reverse()
      .map(({ model, target, leases, waiters, since, expiry }) => ({
        model,
        state: target === null ? 'loading' : 'ready',
        target,
        requests: leases + waiters.size,
        ageMs: now - since,
        expiresInMs: expiry?.leftMs ?? null,
      }))
  }
}
