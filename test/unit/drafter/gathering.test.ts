import { describe, expect, it } from 'vitest'
import { arrivals, Gathering } from '../../../shared/drafter/gathering.ts'

/** A drafter that takes 5 ms a token and is told something every 80 ms. */
function warm(): { readonly gathering: Gathering; pass(ms: number): void } {
  let now = 0
  const gathering = new Gathering(() => now)
  gathering.told()
  now += 80
  gathering.told()
  gathering.drafted(1, 5)
  gathering.sent()
  const pass = (ms: number) => {
    now += ms
  }
  return { gathering, pass }
}

describe('gathering drafted tokens into frames', () => {
  it('keeps none back while it is not known how long a pass takes', () => {
    const gathering = new Gathering(() => 0)
    gathering.told()
    gathering.drafted(1, 5)
    expect(gathering.keeps(1, 100)).toBe(false)
  })

  it('keeps none back from whoever has little in hand, and more the more that is', () => {
    const { gathering } = warm()
    gathering.drafted(1, 5)
    const most = [0, 1, 2, 3, 4, 6, 8].map((sent) => {
      let pending = 1
      while (gathering.keeps(pending, sent)) pending++
      return pending
    })
    expect(most).toEqual([1, 1, 1, 1, 2, 3, 4])
  })

  it('keeps tokens back for a part of a pass only, the next one included', () => {
    const { gathering, pass } = warm()
    gathering.drafted(1, 5)
    pass(14)
    expect(gathering.keeps(1, 100)).toBe(true)
    pass(2)
    expect(gathering.keeps(1, 100)).toBe(false)
    gathering.sent()
    gathering.drafted(1, 5)
    expect(gathering.keeps(1, 100)).toBe(true)
  })

  it('keeps none back where the next token takes longer than that', () => {
    const { gathering } = warm()
    gathering.sent()
    for (let i = 0; i < 50; i++) gathering.drafted(1, 40)
    expect(gathering.keeps(1, 100)).toBe(false)
  })

  it('tells when tokens arrive that come so', () => {
    expect(arrivals(0, 7, 10, 5)).toEqual([10, 15, 20, 25, 35, 35, 40])
    expect(arrivals(8, 3, 10, 5)).toEqual([20, 20, 20])
    expect(arrivals(3, 0, 10, 5)).toEqual([])
  })
})
