import { describe, expect, it } from 'vitest'
import { byteText, timeText } from '../../../native-host/models/byte-text.ts'
import { describeProgress, ProgressLine } from '../../../native-host/models/progress-line.ts'
import { Speedometer } from '../../../native-host/models/speedometer.ts'

it('bytes and times in words', () => {
  expect([0, 999, 1000, 12_345, 999_499, 999_500, 2_301_000_000, 5e15].map(byteText)).toEqual([
    '0 B',
    '999 B',
    '1.00 kB',
    '12.3 kB',
    '999 kB',
    '1.00 MB',
    '2.30 GB',
    '5000 TB',
  ])
  expect([0, 0.6, 59, 75, 3675].map(timeText)).toEqual(['0:00', '0:01', '0:59', '1:15', '1:01:15'])
})

describe('the speed', () => {
  it('is that of the last seconds', () => {
    const speed = new Speedometer()
    expect(speed.bytesPerSecond()).toBeNull()
    speed.add(0, 0)
    expect(speed.bytesPerSecond()).toBeNull()
    for (let s = 1; s <= 20; s++) speed.add(s * 1000, s * 1000)
    expect(speed.bytesPerSecond()).toBe(1000)
    for (let s = 1; s <= 20; s++) speed.add(20_000 + s * 5000, 20_000 + s * 1000)
    expect(speed.bytesPerSecond()).toBe(5000)
  })

  it('begins anew when the bytes do', () => {
    const speed = new Speedometer()
    speed.add(5000, 0)
    speed.add(0, 1000)
    speed.add(100, 2000)
    expect(speed.bytesPerSecond()).toBe(100)
  })
})

describe('the line', () => {
  const progress = { phase: 'fetching', done: 1_150_000_000, total: 2_300_000_000, resumed: 0 } as const

  it('tells share, bytes, speed and time left', () => {
    expect(describeProgress('m.gguf', progress, 37e6, 100)).toBe(
      `m.gguf [${'#'.repeat(15)}${'-'.repeat(15)}] 50 %  1.15 GB of 2.30 GB  37.0 MB/s  0:31 left`,
    )
    expect(describeProgress('m.gguf', { ...progress, total: null }, null, 100)).toBe('m.gguf 1.15 GB')
    expect(describeProgress('m.gguf', { ...progress, phase: 'checking' }, 1e9, 100)).toMatch(
      /checking {2}50 %/,
    )
  })

  it('fits every terminal', () => {
    for (let columns = 20; columns < 130; columns++)
      expect(describeProgress('a-name-that-is-quite-long.gguf', progress, 37e6, columns).length).toBeLessThan(
        columns,
      )
  })

  function drawing(isTerminal: boolean) {
    let text = ''
    let now = 0
    const write = (chunk: string) => {
      text += chunk
    }
    const sink = { isTerminal, columns: 80, write }
    const line = new ProgressLine(sink, () => now)
    return {
      line,
      at: (ms: number, done: number) => {
        now = ms
        line.update('m.gguf', { phase: 'fetching', done, total: 1000, resumed: 0 })
      },
      text: () => text,
    }
  }

  it('is drawn again on a terminal, ten times a second', () => {
    const { line, at, text } = drawing(true)
    for (let ms = 0; ms < 1000; ms += 10) at(ms, ms)
    expect(text().split('\r\x1b[K').length - 1).toBe(10)
    expect(text()).not.toContain('\n')
    line.say('Note: something.')
    at(1000, 1000)
    line.end()
    expect(text().replaceAll('\r\x1b[K', '<')).toMatch(/\nNote: something\.\n<m\.gguf .*100 %.*\n$/)
  })

  it('is a line every five seconds elsewhere, and one at the end', () => {
    const { line, at, text } = drawing(false)
    for (let ms = 0; ms < 12_000; ms += 100) at(ms, ms / 20)
    at(12_100, 1000)
    line.end()
    expect(text()).not.toContain('\r')
    expect(
      text()
        .trimEnd()
        .split('\n')
        .map((one) => one.match(/\d+ %/)?.[0]),
    ).toEqual(['25 %', '50 %', '100 %'])
  })
})
