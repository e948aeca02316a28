import type { DraftWorker, Scope } from '../../shared/drafter/draft-worker.ts'

/** A worker that may be asked, with what ranks it. */
export interface Candidate {
  readonly worker: DraftWorker
  /** Assignments it can still take. */
  readonly free: number
  /** Cautious estimate of its acceptance. */
  readonly acceptance: number
  /** It is known to be worth having while so many requests run; others are on trial. */
  readonly proven: boolean
}

/** A request as far as its staff is concerned. */
export interface Vacancy<R> {
  readonly request: R
  readonly scope: Scope
  /** Scouts and local drafters at work for it, by id. */
  readonly scouts: readonly string[]
  readonly locals: readonly string[]
  /** Workers that have its conversation in their cache. */
  readonly preferred: readonly string[]
  /** Workers that failed it. */
  readonly avoided: ReadonlySet<string>
}

export interface Staffing<R> {
  readonly hires: readonly { readonly request: R; readonly worker: DraftWorker }[]
  /** Scouts that are missing, by scope. */
  readonly missing: ReadonlyMap<Scope, number>
}

/** Whether a request's tokens may be shown to a worker. */
export function maySee(worker: DraftWorker, scope: Scope): boolean {
  if (worker.origin === 'local') return true
  return scope === 'swarm' || (scope === 'own' && worker.own)
}

/**
 * Who drafts for whom: every request gets its first Scout before any gets a second; those that know the conversation come
 * first, then the better ones. Local drafters come on top, each wherever it has room. Workers on trial get at most `trials`
 * assignments, all together.
 */
export function staff<R>(
  vacancies: readonly Vacancy<R>[],
  candidates: readonly Candidate[],
  scoutsPerRequest: number,
  trials = Number.POSITIVE_INFINITY,
): Staffing<R> {
  const free = new Map(candidates.map((candidate) => [candidate.worker, candidate.free]))
  const ranked = [...candidates].sort(
    (a, b) => b.acceptance - a.acceptance || b.worker.speed - a.worker.speed,
  )
  const hires: { readonly request: R; readonly worker: DraftWorker }[] = []
  const missing = new Map<Scope, number>()
  const teams = new Map(vacancies.map((vacancy) => [vacancy, [...vacancy.scouts]]))
  let trialsLeft = trials
  const hire = (vacancy: Vacancy<R>, { worker, proven }: Candidate): void => {
    hires.push({ request: vacancy.request, worker })
    free.set(worker, free.get(worker)! - 1)
    if (!proven) trialsLeft--
  }
  const may = ({ proven }: Candidate) => proven || trialsLeft > 0
  const fits = (vacancy: Vacancy<R>, { worker }: Candidate, team: readonly string[]): boolean =>
    free.get(worker)! > 0 &&
    maySee(worker, vacancy.scope) &&
    !vacancy.avoided.has(worker.id) &&
    !team.includes(worker.id)

  for (const vacancy of vacancies) {
    for (const candidate of ranked) {
      if (candidate.worker.origin !== 'local' || !fits(vacancy, candidate, vacancy.locals)) continue
      if (may(candidate)) hire(vacancy, candidate)
    }
  }
  const scouts = ranked.filter(({ worker }) => worker.origin === 'scout')
  for (let round = 1; round <= scoutsPerRequest; round++) {
    for (const vacancy of vacancies) {
      const team = teams.get(vacancy)!
      if (team.length >= round || vacancy.scope === 'none') continue
      const suits = (candidate: Candidate) => fits(vacancy, candidate, team)
      const eligible = (candidate: Candidate) => may(candidate) && suits(candidate)
      const chosen = knowing(scouts, vacancy.preferred).find(eligible) ?? scouts.find(eligible)
      if (chosen !== undefined) {
        team.push(chosen.worker.id)
        hire(vacancy, chosen)
      } else if (!scouts.some(suits)) {
        missing.set(vacancy.scope, (missing.get(vacancy.scope) ?? 0) + 1)
      }
    }
  }
  return { hires, missing }
}

function knowing(scouts: readonly Candidate[], preferred: readonly string[]): readonly Candidate[] {
  return preferred.length === 0 ? [] : scouts.filter(({ worker }) => preferred.includes(worker.id))
}
