import type { DraftWorkerPool } from '../../shared/drafter/draft-worker.ts'
import type { Log } from '../../shared/log.ts'
import type { ListedModel, ModelHost, ModelLease, ModelWish } from '../api/model-host.ts'
import { residentBytes } from '../control/resident-bytes.ts'
import { watchedGenerator } from '../control/watched-generator.ts'
import type { EngineStateEvent } from '../engine/supervisor.ts'
import { machineMemory } from '../memory/machine-memory.ts'
import type { DraftTarget } from '../mesh/draft-service.ts'
import type { Metrics } from '../metrics.ts'
import type { CatalogModel, ModelCatalog } from '../models/model-catalog.ts'
import type { Registry } from '../models/registry.ts'
import type { Clock } from '../oracle/clock.ts'
import type { OracleStatus } from '../oracle/generation.ts'
import { counter } from '../oracle/oracle.ts'
import type { SelfCommand } from '../packaged/self-command.ts'
import type { Settings } from '../settings/schema.ts'
import { parseKeepAlive } from './keep-alive.ts'
import { loadTarget, type Target } from './load-target.ts'
import { ResidentTargets } from './resident-targets.ts'
import { TargetError } from './target-error.ts'

export interface TargetHostInit {
  readonly settings: Settings
  readonly catalog: ModelCatalog
  readonly registry: Registry
  /** The Oracle's own model: setting `engine.model`. */
  readonly home: CatalogModel
  readonly self: SelfCommand
  /** Scouts whose draft fits a tokenizer; null without the mesh. */
  pool(tokenizerHash: string): DraftWorkerPool | null
  /** The models that Scouts may draft for are others from now on, the one used last first. */
  targets(targets: readonly DraftTarget[]): void
  /** Something that status shows may have changed. */
  changed(): void
  readonly clock: Clock
  readonly metrics: Metrics
  readonly log: Log
}

/** The models of this Oracle as everything else sees them: requests, mesh, status. Which are resident, `ResidentTargets` decides. */
export class TargetHost implements ModelHost {
  readonly #init: TargetHostInit
  readonly #residents: ResidentTargets<CatalogModel, Target>
  /** Processes that load a model, by its id. */
  readonly #loading = new Map<string, EngineStateEvent>()
  #announced = ''

  constructor(init: TargetHostInit) {
    const { settings, home, self, pool, clock, metrics, log } = init
    const parts = {
      settings,
      self,
      pool,
      assignmentIds: counter(),
      metrics,
      log,
      engineChanged: (model: CatalogModel, event: EngineStateEvent) => this.#engineChanged(model, event),
    }
    this.#init = init
    this.#residents = new ResidentTargets<CatalogModel, Target>({
      load: (model, signal) =>
        loadTarget(model, model.id === home.id, parts, signal).finally(() => this.#loading.delete(model.id)),
      unload: (target) => target.stop(),
      isAlive: (target) => target.process().state !== 'failed',
      freeBytes: () => machineMemory().freeBytes,
      limits: {
        count: settings['models.resident'],
        bytes: settings['models.memory_mib'] * 2 ** 20,
        waiting: settings['scheduler.queue'],
        keepAliveMs: keepAliveOf(settings, 'models.keep_alive'),
      },
      home: { model: home, keepAliveMs: keepAliveOf(settings, 'engine.keep_alive') },
      clock,
      log,
      events: {
        changed: () => this.#changed(),
        loaded: (_id, ms) => {
          metrics.modelLoads.inc({ outcome: 'loaded' })
          metrics.modelLoadSeconds.observe(ms / 1000)
        },
        failed: () => metrics.modelLoads.inc({ outcome: 'failed' }),
        unloaded: (model, reason) => {
          metrics.modelUnloads.inc({ reason })
          log.info({ model, reason }, 'model unloaded')
        },
      },
    })
  }

  /** Loads the Oracle's own model. @throws what refused it */
  async start(): Promise<Target> {
    return this.#residents.start()
  }

  async stop(): Promise<void> {
    await this.#residents.stop()
  }

  async idOf(name: string | null): Promise<string> {
    return (await this.#find(name)).id
  }

  currentId(): string | null {
    return this.#current()?.model.id ?? null
  }

  async use({ model, keepAliveMs }: ModelWish, signal: AbortSignal): Promise<ModelLease> {
    const found = await this.#find(model)
    const { target, release } = await this.#residents.acquire(found, keepAliveMs, signal)
    const { engine, codec, oracle } = target
    const generator = watchedGenerator(oracle, () => this.#init.changed())
    return { id: found.id, engine, generator, codec, release }
  }

  async list(): Promise<readonly ListedModel[]> {
    const residents = new Map(this.#residents.status().map((resident) => [resident.model.id, resident]))
    const models = (await this.#init.catalog.all()).filter(({ hindrance }) => hindrance === null)
    return models.map(({ id, facts, bytes, createdS }) => {
      const resident = residents.get(id)
      return {
        id,
        name: facts?.title ?? null,
        createdS,
        architecture: facts?.architecture ?? null,
        parameters: facts?.parameters ?? null,
        contextLength: facts?.contextLength ?? null,
        vocabulary: facts?.vocabSize ?? null,
        bytes,
        state: resident === undefined ? 'unloaded' : resident.state === 'ready' ? 'loaded' : 'loading',
        engine: resident?.target?.engine ?? null,
      }
    })
  }

  /** Of the model that was used last; requests that wait for a model count as queued. */
  status(): OracleStatus {
    const { settings } = this.#init
    const current = this.#current()
    const waiting = this.#residents.waiting + this.#waitingForLoads()
    if (current !== null) {
      const status = current.oracle.status()
      return { ...status, engineState: current.process().state, queued: status.queued + waiting }
    }
    const slots = settings['scheduler.slots']
    return {
      engine: null,
      engineState: this.#residents.status().length > 0 ? 'starting' : 'unloaded',
      slots,
      running: 0,
      queued: waiting,
      load: Math.min(1, waiting / slots),
      passMs: [],
      workers: [],
    }
  }

  /** The engine's process of that model: why this engine, its id, how often it was started again. */
  process(): EngineStateEvent & { readonly restarts: number } {
    const current = this.#current()
    if (current !== null) return { ...current.process(), restarts: current.restarts() }
    const [loading] = this.#loading.values()
    const idle = {
      state: 'starting',
      reason: 'no model is loaded: the next request loads one',
      pid: undefined,
    } as const
    return { ...(loading ?? idle), restarts: 0 }
  }

  localDrafters(): readonly string[] {
    return this.#current()?.localDrafters ?? []
  }

  /** For `/health`: every resident model, the one used last first. */
  models(): object[] {
    return this.#residents.status().map(({ model, state, target, requests, ageMs, expiresInMs }) => {
      const process = target?.process() ?? this.#loading.get(model.id)
      return {
        id: model.id,
        state: target && process?.state !== 'ready' ? process?.state : state,
        requests,
        age_s: Math.round(ageMs / 1000),
        expires_in_s: expiresInMs === null ? null : Math.ceil(expiresInMs / 1000),
        bytes: model.bytes,
        // While it loads: how far it is.
        resident_bytes: residentBytes([process?.pid]),
      }
    })
  }

  /** Processes of all resident models. */
  pids(): (number | undefined)[] {
    return this.#residents
      .status()
      .map(({ model, target }) => (target?.process() ?? this.#loading.get(model.id))?.pid)
  }

  async #find(name: string | null): Promise<CatalogModel> {
    const { catalog } = this.#init
    if (name === null) return this.#residents.current
    const found = await catalog.find(name)
    if (found === undefined)
      throw new TargetError(
        'MODEL_NOT_FOUND',
        `the model ${JSON.stringify(name)} does not exist here: /v1/models lists those that are installed`,
      )
    if (found.hindrance !== null)
      throw new TargetError('NOT_LOADABLE', `the model ${found.id} cannot be loaded: ${found.hindrance}`)
    return found
  }

  #current(): Target | null {
    return this.#residents.status().find(({ target }) => target !== null)?.target ?? null
  }

  #waitingForLoads(): number {
    return this.#residents
      .status()
      .reduce((sum, { target, requests }) => sum + (target === null ? requests : 0), 0)
  }

  #engineChanged(model: CatalogModel, event: EngineStateEvent): void {
    const { log, changed } = this.#init
    if (this.#residents.status().some(({ model: { id }, target }) => id === model.id && target === null))
      this.#loading.set(model.id, event)
    const { state, reason, pid } = event
    const isIll = state === 'restarting' || state === 'failed'
    log[isIll ? 'warn' : 'info']({ model: model.id, state, reason, enginePid: pid }, 'engine')
    changed()
  }

  #changed(): void {
    const { metrics, changed, targets } = this.#init
    const residents = this.#residents.status()
    for (const state of ['loading', 'ready'] as const)
      metrics.models.set({ state }, residents.filter((one) => one.state === state).length)
    const drafted = residents.flatMap(({ model, target }) => this.#draftTarget(model, target))
    const announced = JSON.stringify(drafted)
    // Every Scout that does not fit is sent away: only where there is a reason.
    if (announced !== this.#announced) {
      this.#announced = announced
      targets(drafted)
    }
    changed()
  }

  /** What Scouts are told of a model: its head says it all, so that those that fit need not leave while it loads. */
  #draftTarget({ id, facts, entry }: CatalogModel, target: Target | null): DraftTarget[] {
    const { home, settings, registry } = this.#init
    const tokenizerHash = target?.engine.tokenizerHash ?? facts?.tokenizerHash
    const vocabSize = target?.engine.model.vocabSize ?? facts?.vocabSize
    if (tokenizerHash == null || vocabSize == null) return []
    const listed = entry === null ? undefined : registry.partners(entry).drafts[0]
    const own = id === home.id && settings['draft.model'] === 'embedded' ? 'embedded' : undefined
    const model = target?.engine.model.name ?? facts?.title ?? id
    return [{ model, tokenizerHash, vocabSize, draftModel: own ?? listed ?? '' }]
  }
}

function keepAliveOf(settings: Settings, key: 'models.keep_alive' | 'engine.keep_alive'): number {
  const ms = parseKeepAlive(settings[key])
  if (ms === null) throw new TypeError(`${key} is no duration, though it was checked`)
  return ms
}
