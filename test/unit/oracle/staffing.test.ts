import { describe, expect, it } from 'vitest'
import { type Candidate, maySee, staff, type Vacancy } from '../../../native-host/oracle/staffing.ts'
import type { DraftWorker } from '../../../shared/drafter/draft-worker.ts'

function worker(id: string, more: Partial<DraftWorker> = {}): DraftWorker {
  return {
    id,
    origin: 'scout',
    own: true,
    model: 'draft',
    speed: 0,
    capacity: 1,
    assign: () => ({ verified() {}, done() {} }),
    ...more,
  }
}

const candidate = (of: DraftWorker, acceptance = 0.5, proven = true): Candidate => ({
  worker: of,
  free: of.capacity,
  acceptance,
  proven,
})
const vacancy = (request: string, more: Partial<Vacancy<string>> = {}): Vacancy<string> => ({
  request,
  scope: 'own',
  scouts: [],
  locals: [],
  preferred: [],
  avoided: new Set(),
  ...more,
})
const pairs = (vacancies: Vacancy<string>[], candidates: Candidate[], perRequest = 2) =>
  staff(vacancies, candidates, perRequest).hires.map(({ request, worker: { id } }) => `${request}:${id}`)

describe('staffing', () => {
  it('shows a request’s tokens to nobody outside its scope', () => {
    const local = worker('local:draft', { origin: 'local', own: false })
    const own = worker('own')
    const stranger = worker('stranger', { own: false })
    const seen = (scope: 'none' | 'own' | 'swarm') => [local, own, stranger].map((one) => maySee(one, scope))
    expect(seen('none')).toEqual([true, false, false])
    expect(seen('own')).toEqual([true, true, false])
    expect(seen('swarm')).toEqual([true, true, true])
    const all = [local, own, stranger].map((one) => candidate(one))
    expect(pairs([vacancy('r', { scope: 'none' })], all)).toEqual(['r:local:draft'])
    expect(pairs([vacancy('r')], all)).toEqual(['r:local:draft', 'r:own'])
    expect(pairs([vacancy('r', { scope: 'swarm' })], all)).toHaveLength(3)
  })

  it('gives every request its first Scout before any gets a second, the better first', () => {
    const scouts = [candidate(worker('a'), 0.5), candidate(worker('b'), 0.9), candidate(worker('c'), 0.7)]
    expect(pairs([vacancy('r'), vacancy('s')], scouts)).toEqual(['r:b', 's:c', 'r:a'])
    expect(pairs([vacancy('r', { scouts: ['x'] }), vacancy('s')], scouts)).toEqual(['s:b', 'r:c', 's:a'])
  })

  it('prefers whoever knows the conversation, avoids whoever failed it, and respects capacity', () => {
    const scouts = [candidate(worker('a', { capacity: 2 }), 0.5), candidate(worker('b'), 0.9)]
    expect(pairs([vacancy('r', { preferred: ['a'] })], scouts, 1)).toEqual(['r:a'])
    expect(pairs([vacancy('r', { avoided: new Set(['b']) })], scouts)).toEqual(['r:a'])
    expect(pairs([vacancy('r'), vacancy('s'), vacancy('t')], scouts, 1)).toEqual(['r:b', 's:a', 't:a'])
  })

  it('tries only so many whose worth is not known, and does not ask for more meanwhile', () => {
    const scouts = [candidate(worker('a', { capacity: 3 }), 0.9, false), candidate(worker('b'), 0.5)]
    const { hires, missing } = staff([vacancy('r'), vacancy('s'), vacancy('t')], scouts, 1, 1)
    expect(hires.map(({ request, worker: { id } }) => `${request}:${id}`)).toEqual(['r:a', 's:b'])
    expect(missing.size).toBe(0)
    expect(staff([vacancy('r')], scouts.slice(0, 1), 1, 0).hires).toEqual([])
  })

  it('says what is missing, by scope', () => {
    const { missing } = staff(
      [vacancy('r'), vacancy('s', { scope: 'swarm' }), vacancy('t', { scope: 'none' })],
      [],
      2,
    )
    expect([...missing]).toEqual([
      ['own', 2],
      ['swarm', 2],
    ])
  })

  it('adds local drafters on top, each to every request it has room for', () => {
    const locals = [candidate(worker('local:ngram', { origin: 'local', capacity: 2 }))]
    expect(pairs([vacancy('r'), vacancy('s'), vacancy('t')], [...locals, candidate(worker('a'))], 1)).toEqual(
      ['r:local:ngram', 's:local:ngram', 'r:a'],
    )
  })
})
