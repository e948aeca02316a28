import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { StopStrings } from '../../../native-host/api/stop-strings.ts'

/** Feeds pieces as the run does: until cut. Returns what was shown, and whether more than allowed ever was. */
function run(stops: string[], pieces: string[]) {
  const finder = new StopStrings(stops)
  let text = ''
  let shown = 0
  for (const piece of pieces) {
    text += piece
    const step = finder.push(piece)
    expect(step.shown).toBeGreaterThanOrEqual(shown)
    expect(step.shown).toBeLessThanOrEqual(text.length)
    shown = step.shown
    if (step.cut) return { shown: text.slice(0, shown), cut: true, text }
  }
  return { shown: text.slice(0, shown), cut: false, text }
}

describe('stop strings', () => {
  it('cuts across borders of pieces', () => {
    expect(run(['END'], ['the E', 'N', 'D of'])).toMatchObject({ shown: 'the ', cut: true })
  })

  it('holds back a possible beginning and shows it when it was none', () => {
    const finder = new StopStrings(['STOP'])
    expect(finder.push('a ST')).toEqual({ shown: 2, cut: false })
    expect(finder.push('ST')).toEqual({ shown: 4, cut: false })
    expect(finder.push('x')).toEqual({ shown: 7, cut: false })
  })

  it('takes the one that begins first', () => {
    expect(run(['bc', 'abcd'], ['xabcd'])).toMatchObject({ shown: 'x', cut: true })
  })

  it('agrees with a search of the whole text, however it is cut into pieces', () => {
    const letters = fc.string({ unit: fc.constantFrom('a', 'b'), maxLength: 12 })
    const stop = fc.string({ unit: fc.constantFrom('a', 'b'), minLength: 1, maxLength: 4 })
    fc.assert(
      fc.property(
        fc.array(stop, { minLength: 1, maxLength: 4 }),
        fc.array(letters, { maxLength: 8 }),
        (stops, pieces) => {
          const { shown, cut, text } = run(stops, pieces)
          const first = Math.min(...stops.map((s) => text.indexOf(s)).filter((at) => at >= 0))
          expect(cut).toBe(Number.isFinite(first))
          if (cut) {
            expect(shown).toBe(text.slice(0, first))
            return
          }
          // What is held back is the longest end that could become a stop string: no more, no less.
          const could = (end: string) => stops.some((s) => s !== end && s.startsWith(end))
          let held = 0
          for (let n = 1; n <= text.length; n++) if (could(text.slice(text.length - n))) held = n
          expect(shown).toBe(text.slice(0, text.length - held))
        },
      ),
      { numRuns: 500 },
    )
  })
})
