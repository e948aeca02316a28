import { appendFileSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { type Cell, type Setting, settingsOf } from '../../bench/coop/cells.ts'
import { chart } from '../../bench/coop/chart.ts'
import { Results } from '../../bench/coop/results.ts'
import { Series } from '../../bench/coop/series.ts'
import { tempFolder } from '../../support/temp-folder.ts'

const setting = { users: 4, rttMs: 0, speed: 10, alphas: [0.6, 0.9], modes: ['alone', 'scouts-1'] } as const

function cell(mode: Cell['mode'], alpha: number, rates: readonly number[], earlier?: Cell): Cell {
  const alone = new Series('2b', 'alone', alpha, setting, undefined)
  alone.add({ tokensPerSecond: 20, draftedShare: 0 })
  const series = new Series('2b', mode, alpha, setting, earlier)
  for (const tokensPerSecond of rates) series.add({ tokensPerSecond, draftedShare: 0.5 })
  return series.cell(alone, null)
}

describe('the cooperation benchmark', () => {
  it('measures the local drafter apart from Scouts, and once whatever the round trips', () => {
    const { scouts, local } = settingsOf({
      ...{ alphas: [0.6], rtts: [0, 50], users: [1], speeds: [10] },
      modes: ['alone', 'local', 'scouts-1'],
    })
    const shown = (settings: readonly Setting[]) => settings.map(({ rttMs, modes }) => [rttMs, modes])
    expect(shown(scouts)).toEqual([
      [0, ['alone', 'scouts-1']],
      [50, ['alone', 'scouts-1']],
    ])
    expect(shown(local)).toEqual([[0, ['alone', 'local']]])
  })

  it('tells a cell as it is after a round, whatever the next ones bring', () => {
    const setting = { users: 4, rttMs: 0, speed: 10, alphas: [0.9], modes: ['scouts-1'] } as const
    const series = new Series('2b', 'scouts-1', 0.9, setting, undefined)
    const alone = new Series('2b', 'alone', 0.9, setting, undefined)
    alone.add({ tokensPerSecond: 10, draftedShare: 0 })
    const told = [20, 40].map((tokensPerSecond) => {
      series.add({ tokensPerSecond, draftedShare: 0.5 })
      return series.cell(alone, null)
    })
    expect(told.map(({ rounds }) => rounds)).toEqual([[20], [20, 40]])
    expect(told.map(({ tokens_per_s }) => tokens_per_s)).toEqual([20, 30])
  })

  it('measures the best drafter first', () => {
    const { scouts } = settingsOf({
      ...{ alphas: [0.6, 0.9, 0.8], rtts: [0], users: [1], speeds: [10] },
      modes: ['alone', 'scouts-1'],
    })
    expect(scouts.map(({ alphas }) => alphas)).toEqual([[0.9, 0.8, 0.6]])
  })

  it('goes on from what an earlier run has written, were it cut short in the middle of a line', async () => {
    const path = join(await tempFolder(), 'results.jsonl')
    const first = new Results(path)
    first.add([cell('scouts-1', 0.6, [10])])
    first.add([cell('scouts-1', 0.6, [10, 30]), cell('scouts-1', 0.9, [40])])
    appendFileSync(path, '{"shape":"2b","mode":"sc')
    const second = new Results(path)
    expect(second.cells).toEqual(first.cells)
    const earlier = second.of({ shape: '2b', mode: 'scouts-1', alpha: 0.6, rtt_ms: 0, users: 4, speed: 10 })
    const more = cell('scouts-1', 0.6, [20], earlier)
    expect(more).toMatchObject({ rounds: [10, 30, 20], tokens_per_s: 20, over_alone: 1, drafted_share: 0.5 })
    second.add([more])
    expect(new Results(path).cells.map(({ rounds }) => rounds)).toEqual([[10, 30, 20], [40]])
    expect(readFileSync(path, 'utf8')).toContain('{"shape":"2b","mode":"sc\n{')
  })

  it('draws a bar for every cell but those of the Oracle alone, which is the line', () => {
    const cells = [0.6, 0.9].flatMap((alpha) => [cell('alone', alpha, [20]), cell('scouts-1', alpha, [30])])
    const svg = chart(cells)
    expect(svg.match(/<rect[^>]*><title>/g)).toHaveLength(2)
    expect(svg).toContain('<title>scouts-1: 30 tokens/s, 1.5× alone</title>')
    expect(svg).toContain('4 users, Scouts 10×, alone 20.0 tokens/s')
    expect(chart([])).toContain('</svg>')
  })
})
