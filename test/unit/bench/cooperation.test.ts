import { appendFileSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { GREEDY } from '../../../shared/verify/settings.ts'
import { type Cell, type Setting, settingsOf } from '../../bench/coop/cells.ts'
import { chart } from '../../bench/coop/chart.ts'
import { numbers, sharedOut } from '../../bench/coop/cores.ts'
import { replayDrafter } from '../../bench/coop/replay-drafter.ts'
import { Results } from '../../bench/coop/results.ts'
import { Series } from '../../bench/coop/series.ts'
import { TranscriptFile } from '../../bench/coop/transcript.ts'
import { tempFolder } from '../../support/temp-folder.ts'

const setting = { users: 4, rttMs: 0, speed: 10, alphas: [0.6, 0.9], modes: ['alone', 'scouts-1'] } as const

function cell(mode: Cell['mode'], alpha: number, rates: readonly number[], earlier?: Cell): Cell {
  const series = new Series('2b', mode, alpha, setting, earlier)
  const alone = { tokensPerSecond: 20, draftedShare: 0 }
  for (const tokensPerSecond of rates) series.add({ tokensPerSecond, draftedShare: 0.5 }, alone)
  return series.cell(null)
}

describe('the cooperation benchmark', () => {
  it.runIf(process.platform === 'linux')('gives the Oracle one of its cores and the rest to others', () => {
    expect(numbers('3')).toEqual([3])
    expect(numbers('0,2-4,9-10')).toEqual([0, 2, 3, 4, 9, 10])
    const cores = sharedOut()
    const all = cores === null ? [] : [cores.oracle, ...cores.others.split(',')].map(Number)
    expect(all.length).not.toBe(1)
    expect(all).toEqual([...new Set(all)].sort((a, b) => a - b))
  })

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
    const told = [20, 40].map((tokensPerSecond) => {
      series.add({ tokensPerSecond, draftedShare: 0.5 }, { tokensPerSecond: 10, draftedShare: 0 })
      return series.cell(null)
    })
    expect(told.map(({ rounds }) => rounds)).toEqual([[20], [20, 40]])
    expect(told.map(({ tokens_per_s }) => tokens_per_s)).toEqual([20, 30])
  })

  it('tells each round against the Oracle alone in the same round', () => {
    const series = new Series('2b', 'scouts-1', 0.9, setting, undefined)
    const rates = [
      [20, 20],
      [15, 10],
      [40, 20],
    ] as const
    for (const [tokensPerSecond, alone] of rates)
      series.add({ tokensPerSecond, draftedShare: 0.5 }, { tokensPerSecond: alone, draftedShare: 0 })
    expect(series.cell(null)).toMatchObject({ ratios: [1, 1.5, 2], over_alone: 1.5, tokens_per_s: 20 })
  })

  it('replays a text with as many errors as are asked for, and with others for another seed', async () => {
    const path = join(await tempFolder(), 'texts.json')
    const text = Array.from({ length: 45 }, (_, i) => i)
    new TranscriptFile(path).write({ '1:2': text })
    const task = { promptLength: 5, key: { hi: 1, lo: 2 }, settings: GREEDY, stopTokens: [] }
    const replay = async (seed: number) => {
      const drafter = replayDrafter({
        ...{ model: 'm', transcripts: path, vocabSize: 100, alpha: 0.6, tokenMs: 0, seed },
      })
      const sequence = await drafter.open(task)
      sequence.append(text.slice(0, 5))
      const drafted: number[] = []
      for (let i = 0; i < 40; i++) drafted.push(...(await sequence.next(1, new AbortController().signal)))
      return drafted.map((token, i) => token === 5 + i)
    }
    const right = await replay(1)
    expect(right.filter((yes) => yes)).toHaveLength(24)
    expect(await replay(1)).toEqual(right)
    expect(await replay(2)).not.toEqual(right)
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
    expect(more.ratios).toEqual([0.5, 1.5, 1])
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
