import { describe, expect, it } from 'vitest'
import { byUse, makeRoom, type Occupant, type Space } from '../../../native-host/targets/room.ts'

let uses = 0
/** Residents are used in the order in which they are made. */
function resident(id: string, state: 'idle' | 'busy' | 'loading' = 'idle', needBytes = 10): Occupant {
  const isLoading = state === 'loading'
  return {
    model: { id, needBytes },
    target: isLoading ? null : {},
    leases: state === 'busy' ? 1 : 0,
    usedAt: ++uses,
  }
}

function room(
  residents: readonly Occupant[],
  space: Partial<Space<Occupant>> = {},
  needBytes = 10,
  id = 'new',
) {
  const limits = { count: 2, bytes: 0 }
  const result = makeRoom({ id, needBytes }, { residents, leaving: [], limits, freeBytes: 1000, ...space })
  return Array.isArray(result) ? result.map(({ model }) => model.id) : result
}

describe('room for a model', () => {
  it('is there', () => {
    expect(room([])).toEqual([])
    expect(room([resident('a')])).toEqual([])
  })

  it('is made by the least recently used', () => {
    const residents = [resident('a'), resident('b')]
    expect(room(residents)).toEqual(['a'])
    expect(room(residents.toReversed())).toEqual(['a'])
    expect(room(residents, { limits: { count: 1, bytes: 0 } })).toEqual(['a', 'b'])
    expect(byUse(residents.toReversed())).toEqual(residents)
  })

  it('is not made of one that is used or being loaded, though another was used later', () => {
    expect(room([resident('a', 'busy'), resident('b')])).toEqual(['b'])
    expect(room([resident('a', 'loading'), resident('b')])).toEqual(['b'])
    expect(room([resident('a', 'busy'), resident('b', 'loading')])).toBeNull()
  })

  it('is made by as many as it takes within the bound of memory', () => {
    const limits = { count: 9, bytes: 30 }
    const residents = [resident('a'), resident('b'), resident('c')]
    expect(room(residents, { limits }, 10)).toEqual(['a'])
    expect(room(residents, { limits }, 11)).toEqual(['a', 'b'])
    expect(room(residents, { limits }, 30)).toEqual(['a', 'b', 'c'])
    expect(room(residents, { limits }, 31)).toMatchObject({
      code: 'TOO_LITTLE_MEMORY',
      message: expect.stringMatching(/models\.memory_mib/),
    })
  })

  it('counts on what residents and those that are leaving give back', () => {
    const limits = { count: 9, bytes: 0 }
    const leaving = [{ id: 'gone', needBytes: 7 }]
    expect(room([resident('a')], { limits, leaving, freeBytes: 3 }, 10)).toEqual([])
    expect(room([resident('a')], { limits, leaving, freeBytes: 3 }, 20)).toEqual(['a'])
    expect(room([resident('a')], { limits, leaving, freeBytes: 3 }, 21)).toMatchObject({
      code: 'TOO_LITTLE_MEMORY',
      message: expect.stringMatching(/new needs 21 B of memory.*has 20 B/),
    })
  })

  it('waits for what is being loaded, which has yet to take its memory', () => {
    const space = { limits: { count: 9, bytes: 0 }, freeBytes: 15 }
    expect(room([resident('a', 'loading')], space, 5)).toEqual([])
    expect(room([resident('a', 'loading')], space, 6)).toBeNull()
    expect(room([resident('a')], space, 15)).toEqual([])
  })

  it('is made by what has failed under the same name, once nobody holds it', () => {
    expect(room([resident('new'), resident('b')])).toEqual(['new'])
    expect(room([resident('new', 'busy')])).toBeNull()
  })
})
