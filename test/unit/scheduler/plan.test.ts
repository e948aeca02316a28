import { describe, expect, it } from 'vitest'
import { staff } from '../../../native-host/oracle/staffing.ts'
import { DraftTrie } from '../../../native-host/scheduler/draft-trie.ts'
import { type PlanRequest, planPass } from '../../../native-host/scheduler/plan.ts'
import { decideWait } from '../../../native-host/scheduler/wait.ts'
import type { DraftWorker } from '../../../shared/drafter/draft-worker.ts'
import { Draws } from '../../support/draws.ts'

const LIMITS = { maxRows: 256, knownRows: 4096, prefillRows: 32, forceDrafts: false }
const decode = (id: number, path: readonly number[] = []): PlanRequest => ({
  id,
  pending: 1,
  context: 100,
  path,
})
const powers = (alpha: number, length: number) => Array.from({ length }, (_, i) => alpha ** (i + 1))

describe('the plan of a pass', () => {
  it('goes deep where rows are free and stays at the base rows where they are not', () => {
    const path = powers(0.8, 16)
    expect(planPass([decode(1, path)], LIMITS, () => 60).draftRows).toBe(16)
    expect(planPass([decode(1, path)], LIMITS, (rows) => 60 * rows).draftRows).toBe(0)
    const middle = planPass([decode(1, path)], LIMITS, (rows) => 60 + 6 * rows)
    expect(middle.draftRows).toBeGreaterThan(2)
    expect(middle.draftRows).toBeLessThan(16)
    expect(planPass([decode(1, path)], { ...LIMITS, forceDrafts: true }, (rows) => 60 * rows).draftRows).toBe(
      16,
    )
  })

  it('takes drafts only as far as costs are known, unless it is told to', () => {
    const requests = [decode(1, powers(0.9, 16))]
    expect(planPass(requests, { ...LIMITS, knownRows: 6 }, () => 60).draftRows).toBe(5)
    expect(planPass(requests, { ...LIMITS, knownRows: 0 }, () => 60)).toMatchObject({ rows: 1, draftRows: 0 })
    expect(planPass(requests, { ...LIMITS, knownRows: 0, forceDrafts: true }, () => 60).draftRows).toBe(16)
  })

  it('sees over a step of a staircase', () => {
    const cost = (rows: number) => 10 * Math.ceil(rows / 8)
    // One base row alone costs as much as eight rows.
    expect(planPass([decode(1, powers(0.9, 16))], LIMITS, cost).draftRows).toBe(7)
    const certain = powers(0.99, 15)
    expect(planPass([decode(1, certain)], LIMITS, (rows) => 5 + cost(rows)).draftRows).toBe(15)
  })

  it('shares rows among requests by what they are worth', () => {
    const plan = planPass(
      [decode(1, powers(0.9, 16)), decode(2, powers(0.4, 16))],
      LIMITS,
      (rows) => 30 + 5 * rows,
    )
    expect(plan.items[0]!.drafts).toBeGreaterThan(plan.items[1]!.drafts)
    expect(plan.baseRows).toBe(2)
  })

  it('gives every prompt a row, the oldest what the budget leaves, and drafts only after a base row', () => {
    const long = { id: 2, pending: 100, context: 0, path: powers(0.9, 4) }
    const plan = planPass([decode(1), long, { ...long, id: 3 }], LIMITS, () => 1)
    expect(plan.items).toEqual([
      { id: 1, known: 1, samples: true, drafts: 0 },
      { id: 2, known: 33, samples: false, drafts: 0 },
      { id: 3, known: 1, samples: false, drafts: 0 },
    ])
    expect(plan).toMatchObject({ rows: 35, baseRows: 1, promptRows: 34 })
    // Nobody decodes: the prompt may fill the pass, and its last row speaks at once.
    const alone = planPass([{ ...long, pending: 60 }], LIMITS, () => 1)
    expect(alone.items[0]).toEqual({ id: 2, known: 60, samples: true, drafts: 4 })
  })

  it('refuses more requests than rows', () => {
    expect(() => planPass([decode(1), decode(2)], { ...LIMITS, maxRows: 1 }, () => 1)).toThrow(RangeError)
  })

  it('is never expected to be slower than the base rows alone, for any requests and any cost', () => {
    const draws = new Draws(6)
    for (let round = 0; round < 3000; round++) {
      const requests = Array.from({ length: draws.int(1, 8) }, (_, id) => ({
        id,
        pending: draws.chance(0.7) ? 1 : draws.int(2, 80),
        context: draws.int(0, 500),
        path: powers(draws.uniform(), draws.int(0, 16)),
      }))
      const maxRows = draws.int(requests.length, 100)
      const stairs = Array.from({ length: 120 }, () => draws.uniform() ** 4 * 30)
      const cost = (rows: number, context: number) =>
        5 + stairs.slice(0, rows).reduce((sum, ms) => sum + ms, 0) + context * 1e-3
      const limits = { maxRows, knownRows: maxRows, prefillRows: draws.int(0, 60), forceDrafts: false }
      const plan = planPass(requests, limits, cost)
      const base = planPass(
        requests.map((request) => ({ ...request, path: [] })),
        limits,
        cost,
      )
      expect(plan.rows).toBeLessThanOrEqual(maxRows)
      expect(plan.items.map(({ id }) => id)).toEqual(requests.map(({ id }) => id))
      expect(plan.items.every(({ known }) => known >= 1)).toBe(true)
      expect(plan.rows).toBe(plan.items.reduce((sum, { known, drafts }) => sum + known + drafts, 0))
      expect(plan.expectedTokens / plan.expectedMs).toBeGreaterThanOrEqual(
        base.expectedTokens / base.expectedMs,
      )
    }
  })
})

describe('the decision to wait', () => {
  const limits = { maxRows: 64, maxWaitMs: 250, pace: 0 }
  const ready = { path: [], rows: 1, context: 100, emits: true, ahead: [], reliability: 1 }

  it('waits for a good draft that is nearly there, not for a bad one, a far one or an unreliable one', () => {
    const due = [5, 6, 7, 8]
    const cost = (rows: number) => 80 + rows
    const wait = decideWait([{ ...ready, due, alpha: 0.9 }], limits, cost)
    expect(wait.waitMs).toBe(8)
    expect(wait.valueAfter).toBeGreaterThan(wait.valueNow)
    expect(decideWait([{ ...ready, due, alpha: 0.05 }], limits, cost).waitMs).toBe(0)
    expect(decideWait([{ ...ready, due: due.map((ms) => ms + 240), alpha: 0.9 }], limits, cost).waitMs).toBe(
      0,
    )
    expect(decideWait([{ ...ready, due, alpha: 0.9, reliability: 0.03 }], limits, cost).waitMs).toBe(0)
  })

  it('does not wait where passes are cheap, where nothing is due, or beyond its bound', () => {
    const due = [5, 6, 7, 8]
    expect(decideWait([{ ...ready, due, alpha: 0.9 }], limits, () => 1).waitMs).toBe(0)
    expect(decideWait([{ ...ready, due: [], alpha: 0.9 }], limits, () => 80).waitMs).toBe(0)
    expect(decideWait([{ ...ready, due, alpha: 0.99 }], { ...limits, maxWaitMs: 4 }, () => 80).waitMs).toBe(0)
    expect(decideWait([{ ...ready, due, alpha: 0.99 }], { ...limits, maxRows: 1 }, () => 80).waitMs).toBe(0)
  })

  it('does not keep others from the engine for one request’s draft', () => {
    const due = [20, 21, 22, 23]
    const one = { ...ready, due, alpha: 0.9 }
    const other = { ...ready, path: powers(0.9, 8), ahead: powers(0.9, 8), due: [], alpha: 0 }
    const cost = (rows: number) => 60 + rows
    expect(decideWait([one], limits, cost).waitMs).toBeGreaterThan(0)
    expect(decideWait([one, other, other, other], limits, cost).waitMs).toBe(0)
  })

  it('never expects less from waiting than from beginning', () => {
    const draws = new Draws(7)
    for (let round = 0; round < 2000; round++) {
      const requests = Array.from({ length: draws.int(1, 5) }, () => {
        const alpha = draws.uniform()
        const first = draws.between(0, 100)
        const path = powers(alpha, draws.int(0, 8))
        return {
          path,
          rows: draws.int(1, 30),
          context: draws.int(1, 5000),
          emits: draws.chance(0.8),
          ahead: draws.chance(0.5) ? path : [],
          due: Array.from({ length: draws.int(0, 8) }, (_, i) => first + 4 * i),
          alpha,
          reliability: draws.uniform(),
        }
      })
      const perRow = draws.between(0, 5)
      const { waitMs, valueNow, valueAfter } = decideWait(
        requests,
        { maxRows: 256, maxWaitMs: 60, pace: draws.between(0, 0.2) },
        (rows) => 10 + perRow * rows,
      )
      expect(waitMs).toBeLessThanOrEqual(60)
      expect(valueAfter).toBeGreaterThanOrEqual(valueNow)
      if (waitMs === 0) expect(valueAfter).toBe(valueNow)
    }
  })
})

describe('the cost of a decision', () => {
  it('stays within O(nodes log nodes) at 100 requests × 1,000 Scouts', () => {
    const draws = new Draws(8)
    const alphas = Array.from({ length: 1000 }, () => draws.uniform())
    const tries = Array.from({ length: 100 }, (_, request) => {
      const trie = new DraftTrie()
      for (let worker = 0; worker < 10; worker++) {
        // Paths that agree for a while and then part, as drafts of several models do.
        const shared = draws.int(0, 12)
        const tokens = Array.from({ length: 16 }, (_, i) => (i < shared ? i : draws.int(0, 4000)))
        trie.graft(`${request * 10 + worker}`, tokens)
      }
      return trie
    })
    let asked = 0
    const alpha = (worker: string) => {
      asked++
      return alphas[Number(worker)]!
    }
    let priced = 0
    const cost = (rows: number) => {
      priced++
      return 60 + 0.1 * rows
    }
    const grafted = tries.reduce((sum, trie) => sum + trie.size, 0)
    const runs: number[] = []
    let nodes = 0
    for (let run = 0; run < 20; run++) {
      asked = 0
      priced = 0
      const began = performance.now()
      const paths = tries.map((trie) => trie.bestPath(16, alpha))
      nodes = paths.reduce((sum, path) => sum + path.tokens.length, 0)
      const requests = paths.map(({ p }, id) => ({ id, pending: 1, context: 500, path: p }))
      const plan = planPass(requests, { ...LIMITS, maxRows: 4096 }, cost)
      runs.push(performance.now() - began)
      expect(plan.rows).toBeLessThanOrEqual(4096)
      // Each sender of each node is asked once, each prefix priced once; the sort is the only thing above that.
      expect(asked).toBeLessThanOrEqual(100 * 10 * 16)
      expect(priced).toBeLessThanOrEqual(nodes + 1)
    }
    const median = runs.sort((a, b) => a - b)[10]!
    console.log(
      `plan of 100 requests × 1,000 Scouts: ${grafted} nodes held, ${nodes} weighed, ${median.toFixed(2)} ms`,
    )

    priced = 0
    const waiting = tries.map(() => ({
      path: [],
      rows: 1,
      context: 500,
      emits: true,
      ahead: [],
      due: Array.from({ length: 16 }, () => draws.between(0, 100)).sort((a, b) => a - b),
      alpha: 0.8,
      reliability: 0.9,
    }))
    const began = performance.now()
    decideWait(waiting, { maxRows: 4096, maxWaitMs: 100, pace: 0.5 }, cost)
    const waitMs = performance.now() - began
    // Two passes are priced for at most 16 moments and for now, each at a number of sizes that grows with the logarithm.
    expect(priced).toBeLessThanOrEqual(2 * 17 * 4 * Math.log2(16 * waiting.length))

    const candidates = alphas.map((acceptance, i) => ({
      worker: { id: `${i}`, origin: 'scout', own: true, speed: 100 } as unknown as DraftWorker,
      free: 1,
      acceptance,
      proven: true,
    }))
    const vacancies = tries.map((_, request) => ({
      request,
      scope: 'own' as const,
      scouts: [],
      locals: [],
      preferred: [],
      avoided: new Set<string>(),
    }))
    const staffed = performance.now()
    const { hires } = staff(vacancies, candidates, 10)
    const staffMs = performance.now() - staffed
    expect(hires.length).toBe(1000)
    console.log(`waiting: ${waitMs.toFixed(2)} ms; staffing 1,000 Scouts: ${staffMs.toFixed(2)} ms`)
  })
})
