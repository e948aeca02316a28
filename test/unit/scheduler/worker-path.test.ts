import { describe, expect, it } from 'vitest'
import { WorkerPath } from '../../../native-host/scheduler/worker-path.ts'

const WINDOW = 4
const END = 100

/** The prompt alone was true when a frame came. */
const PROMPT = 3

/** Prompt 1, 2, 3; then what has become true. */
const truth = (...generated: number[]) => [1, 2, 3, ...generated]

describe('what a worker’s drafts mean', () => {
  it('grafts what continues the truth', () => {
    const path = new WorkerPath(3, WINDOW, END)
    expect(path.draft({ epoch: 0, position: 3, tokens: [4, 5] }, truth(), PROMPT)).toEqual({
      live: [4, 5],
      late: 0,
      dead: 0,
      hits: 0,
      missed: false,
    })
    expect(path.draft({ epoch: 0, position: 5, tokens: [6] }, truth(), PROMPT).live).toEqual([4, 5, 6])
  })

  it('grafts the rest of a draft that was ahead: late is not wrong', () => {
    const path = new WorkerPath(3, WINDOW, END)
    path.sent({ epoch: 1, position: 3, tokens: [4, 5] })
    expect(path.draft({ epoch: 0, position: 3, tokens: [4, 5, 6] }, truth(4, 5), PROMPT)).toEqual({
      live: [6],
      late: 2,
      dead: 0,
      hits: 2,
      missed: false,
    })
    // And what is wholly late.
    const other = new WorkerPath(3, WINDOW, END)
    other.sent({ epoch: 1, position: 3, tokens: [4, 5] })
    expect(other.draft({ epoch: 0, position: 3, tokens: [4] }, truth(4, 5), PROMPT)).toEqual({
      live: [],
      late: 1,
      dead: 0,
      hits: 1,
      missed: false,
    })
  })

  it('counts a late difference as one miss, however much follows it', () => {
    const path = new WorkerPath(3, WINDOW, END)
    path.sent({ epoch: 1, position: 3, tokens: [4, 5] })
    const now = truth(4, 5)
    expect(path.draft({ epoch: 0, position: 3, tokens: [9] }, now, PROMPT)).toMatchObject({
      live: [],
      missed: true,
    })
    expect(path.draft({ epoch: 0, position: 4, tokens: [5] }, now, PROMPT)).toMatchObject({
      live: [],
      missed: false,
    })
    expect(path.draft({ epoch: 0, position: 5, tokens: [6, 7] }, now, PROMPT)).toMatchObject({
      live: [],
      missed: false,
    })
    // After the Verified it starts from the truth again.
    expect(path.draft({ epoch: 1, position: 5, tokens: [6] }, now, PROMPT)).toEqual({
      live: [6],
      late: 0,
      dead: 0,
      hits: 0,
      missed: false,
    })
  })

  it('learns nothing of tokens that came after their position was decided, right or wrong', () => {
    const frame = (tokens: number[]) => ({ epoch: 0, position: 3, tokens })
    const draft = (tokens: number[], decidedBefore: number) => {
      const path = new WorkerPath(3, WINDOW, END)
      path.sent({ epoch: 1, position: 3, tokens: [4, 5] })
      const { hits, missed } = path.draft(frame(tokens), truth(4, 5), decidedBefore)
      return [hits, missed]
    }
    expect(draft([4, 5, 6], 3)).toEqual([2, false])
    expect(draft([4, 5, 6], 4)).toEqual([1, false])
    expect(draft([4, 5, 6], 5)).toEqual([0, false])
    expect(draft([4, 9, 6], 4)).toEqual([0, true])
    expect(draft([4, 9, 6], 5)).toEqual([0, false])
    // What follows a wrong one says nothing, and that one came too late to be held against the worker.
    expect(draft([9, 5, 6], 4)).toEqual([0, false])
  })

  it('keeps a guess that several Verified confirm', () => {
    const path = new WorkerPath(3, WINDOW, END)
    path.draft({ epoch: 0, position: 3, tokens: [4, 5, 6, 7] }, truth(), PROMPT)
    path.sent({ epoch: 1, position: 3, tokens: [4] })
    path.sent({ epoch: 2, position: 4, tokens: [5] })
    expect(path.live(truth(4, 5))).toBe(2)
    expect(path.room(truth(4, 5))).toEqual({ tokens: 2, restarts: false })
    expect(path.draft({ epoch: 2, position: 7, tokens: [8, 9] }, truth(4, 5), PROMPT).live).toEqual([
      6, 7, 8, 9,
    ])
    expect(path.room(truth(4, 5))).toEqual({ tokens: 0, restarts: false })
  })

  it('knows what room a worker has that went wrong, is behind, or is at the end', () => {
    const path = new WorkerPath(3, WINDOW, 9)
    expect(path.room(truth())).toEqual({ tokens: 4, restarts: true })
    path.draft({ epoch: 0, position: 3, tokens: [9, 9] }, truth(), PROMPT)
    expect(path.live(truth(4))).toBe(0)
    expect(path.room(truth(4))).toEqual({ tokens: 4, restarts: true })
    expect(path.room(truth(4, 5, 6, 7))).toEqual({ tokens: 2, restarts: true })
  })

  it('refuses frames that do not continue the path', () => {
    const path = new WorkerPath(3, WINDOW, 9)
    path.sent({ epoch: 1, position: 3, tokens: [4] })
    for (const frame of [
      { epoch: 2, position: 4, tokens: [5] },
      { epoch: -1, position: 3, tokens: [4] },
      { epoch: 0, position: 4, tokens: [5] },
      { epoch: 0, position: 3, tokens: [] },
      { epoch: 0, position: 3, tokens: [4, 5, 6, 7, 8] },
    ]) {
      expect(() => new WorkerPath(3, WINDOW, 9).draft(frame, truth(4), PROMPT)).toThrow()
    }
    path.draft({ epoch: 1, position: 4, tokens: [5] }, truth(4), PROMPT)
    expect(() => path.draft({ epoch: 0, position: 5, tokens: [6] }, truth(4), PROMPT)).toThrow(/epoch/)
  })
})
