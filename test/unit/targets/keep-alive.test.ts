import { describe, expect, it } from 'vitest'
import { parseKeepAlive } from '../../../native-host/targets/keep-alive.ts'

const EVER = Number.POSITIVE_INFINITY

describe('keep_alive', () => {
  it.each<[unknown, number]>([
    [0, 0],
    [300, 300_000],
    [0.5, 500],
    [-1, EVER],
    [-0.001, EVER],
    [Number.POSITIVE_INFINITY, EVER],
    ['5m', 300_000],
    ['1h30m', 5_400_000],
    ['1.5h', 5_400_000],
    ['.5s', 500],
    ['100ms', 100],
    ['1m0.5s', 60_500],
    ['1us', 0.001],
    ['1µs', 0.001],
    ['+3s', 3_000],
    ['0', 0],
    ['0s', 0],
    ['-0', 0],
    ['300', 300_000],
    ['-1', EVER],
    ['-1m', EVER],
    [' 10s ', 10_000],
  ])('%j is %d ms', (given, ms) => {
    expect(parseKeepAlive(given)).toBeCloseTo(ms, 9)
  })

  it.each([
    '',
    '-',
    'm',
    '5 m',
    '5x',
    '5m6',
    '1h-30m',
    'for ever',
    '1e3',
    '0x10',
    'Infinity',
    '--5m',
    '1'.repeat(65),
    Number.NaN,
    null,
    undefined,
    true,
    [],
    {},
  ])('%j is none', (given) => {
    expect(parseKeepAlive(given)).toBeNull()
  })
})
