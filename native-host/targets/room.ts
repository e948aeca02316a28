import { byteText } from '../models/byte-text.ts'
import { TargetError } from './target-error.ts'

/** A model that can be made resident. */
export interface Loadable {
  readonly id: string
  /** Memory that it takes at least, once loaded. */
  readonly needBytes: number
}

/** What is resident, as far as making room for another model goes. */
export interface Occupant {
  readonly model: Loadable
  /** null while it is being loaded. */
  readonly target: unknown
  /** Requests that hold it. */
  readonly leases: number
  /** Order of use: the least is the least recently used. */
  readonly usedAt: number
}

export interface Space<O extends Occupant> {
  readonly residents: readonly O[]
  /** Being unloaded: their memory is not free yet. */
  readonly leaving: readonly Loadable[]
  /** Most models resident at once, and most memory that all of them may need; 0 = as much as the machine has. */
  readonly limits: { readonly count: number; readonly bytes: number }
  /** Memory that is free on this machine at the moment. */
  readonly freeBytes: number
}

/** The least recently used first. */
export function byUse<O extends Occupant>(residents: Iterable<O>): O[] {
  return [...residents].sort((a, b) => a.usedAt - b.usedAt)
}

/**
 * Which residents to unload for a model, the least recently used first; null: not before somebody has let go. One that has the
 * model's own id has failed, and goes. An error: it would not fit if all were gone.
 */
export function makeRoom<O extends Occupant>(model: Loadable, space: Space<O>): O[] | TargetError | null {
  const failed = space.residents.find((resident) => resident.model.id === model.id)
  if (failed !== undefined && failed.leases > 0) return null
  const victims = failed === undefined ? [] : [failed]
  let kept = byUse(space.residents).filter((resident) => resident !== failed)
  const problem = hindrance(model, [], space)
  if (problem !== null) return new TargetError('TOO_LITTLE_MEMORY', problem)
  while (kept.length >= space.limits.count || hindrance(model, kept, space) !== null) {
    const victim = kept.find(({ target, leases }) => target !== null && leases === 0)
    if (victim === undefined) return null
    victims.push(victim)
    kept = kept.filter((resident) => resident !== victim)
  }
  return victims
}

/** Why a model does not fit beside `kept`, once all others are gone; null: it does. */
function hindrance<O extends Occupant>(
  { id, needBytes }: Loadable,
  kept: readonly O[],
  { residents, leaving, limits, freeBytes }: Space<O>,
): string | null {
  const keptBytes = needOf(kept.map(({ model }) => model))
  if (limits.bytes > 0 && keptBytes + needBytes > limits.bytes)
    return `the model ${id} needs ${byteText(needBytes)}, and the setting models.memory_mib allows ${byteText(limits.bytes)} in all`
  // What is loaded already will have been given back; what is being loaded takes its memory yet.
  const loaded = residents.filter(({ target }) => target !== null).map(({ model }) => model)
  const given = needOf([...loaded, ...leaving]) - keptBytes
  const free = freeBytes + given
  if (needBytes <= free) return null
  return `the model ${id} needs ${byteText(needBytes)} of memory, and this machine has ${byteText(free)} for it: end other programs, or take a smaller model`
}

function needOf(models: readonly Loadable[]): number {
  return models.reduce((bytes, { needBytes }) => bytes + needBytes, 0)
}
