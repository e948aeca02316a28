import { describe, expect, it } from 'vitest'
import { DraftTrie, NO_PATH } from '../../../native-host/scheduler/draft-trie.ts'
import { Draws } from '../../support/draws.ts'

const half = () => 0.5

describe('the draft trie', () => {
  it('merges what several workers drafted and credits the first', () => {
    const trie = new DraftTrie()
    expect(trie.graft('a', [1, 2])).toBe(2)
    expect(trie.graft('b', [1, 2, 3])).toBe(3)
    expect(trie.size).toBe(3)
    expect(trie.graft('a', [1, 2])).toBe(0)
    const path = trie.bestPath(16, half)
    expect(path.tokens).toEqual([1, 2, 3])
    expect(path.senders).toEqual([['a', 'b'], ['a', 'b'], ['b']])
    expect(path.p).toEqual([0.5, 0.25, 0.125])
  })

  it('shares a parent’s worth among its children, and takes the path that is worth most', () => {
    const trie = new DraftTrie()
    trie.graft('good', [1, 2, 3])
    trie.graft('bad', [9])
    const alpha = (worker: string) => (worker === 'good' ? 0.9 : 0.6)
    const path = trie.bestPath(16, alpha)
    expect(path.tokens).toEqual([1, 2, 3])
    expect(path.p[0]).toBeCloseTo(0.6)
    expect(path.p[1]).toBeCloseTo(0.6 * 0.9)
    // A long path of moderate tokens beats a short good one.
    const deep = new DraftTrie()
    deep.graft('short', [1])
    deep.graft('long', [2, 3, 4, 5])
    expect(deep.bestPath(16, (worker) => (worker === 'short' ? 0.8 : 0.7)).tokens).toEqual([2, 3, 4, 5])
    expect(deep.bestPath(1, (worker) => (worker === 'short' ? 0.8 : 0.7)).tokens).toEqual([1])
    expect(deep.bestPath(0, half)).toBe(NO_PATH)
  })

  it('moves its root along the truth and forgets the rest', () => {
    const trie = new DraftTrie()
    trie.graft('a', [1, 2, 3])
    trie.graft('b', [1, 5, 6])
    trie.advance([1, 5])
    expect(trie.bestPath(16, half).tokens).toEqual([6])
    trie.advance([7])
    expect(trie.size).toBe(0)
    trie.advance([1])
    expect(trie.bestPath(16, half).tokens).toEqual([])
  })

  it('compares every worker’s path with the truth, as far as it goes', () => {
    const trie = new DraftTrie()
    trie.graft('right', [1, 5, 6, 7])
    trie.graft('half', [1, 2, 3])
    trie.graft('wrong', [9, 5])
    expect(Object.fromEntries(trie.advance([1, 5, 6]))).toEqual({
      right: { hits: 3, missed: false },
      half: { hits: 1, missed: true },
      wrong: { hits: 0, missed: true },
    })
    expect(Object.fromEntries(trie.advance([7, 8]))).toEqual({ right: { hits: 1, missed: false } })
    expect(trie.advance([1]).size).toBe(0)
  })

  it('forgets a worker that leaves, but not what others sent as well', () => {
    const trie = new DraftTrie()
    trie.graft('a', [1, 2, 3])
    trie.graft('b', [1, 2])
    trie.graft('a', [1, 2, 3])
    trie.leave('a')
    expect(trie.bestPath(16, half)).toMatchObject({ tokens: [1, 2], senders: [['b'], ['b']] })
    trie.leave('b')
    expect(trie.size).toBe(0)
  })

  it('never values children above their parent, whatever is grafted', () => {
    const draws = new Draws(1)
    for (let round = 0; round < 500; round++) {
      const trie = new DraftTrie()
      const workers = draws.int(1, 6)
      for (let worker = 0; worker < workers; worker++) {
        trie.graft(
          `${worker}`,
          Array.from({ length: draws.int(1, 8) }, () => draws.int(0, 2)),
        )
      }
      const alphas = Array.from({ length: workers }, () => draws.uniform())
      const { p, tokens, senders } = trie.bestPath(8, (worker) => alphas[Number(worker)]!)
      expect(trie.size).toBeLessThanOrEqual(8 * workers)
      expect(p.length).toBe(tokens.length)
      expect(senders.every((names) => names.length > 0)).toBe(true)
      for (let i = 0; i < p.length; i++) expect(p[i]!).toBeLessThanOrEqual(p[i - 1] ?? 1)
    }
  })
})
