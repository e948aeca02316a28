import { expect, it } from 'vitest'
import { bytes, count, counted, percent, seconds } from '../../../entrypoints/pages/figures.ts'

it('writes figures as people read them', () => {
  expect([count(18243), counted(1, 'Oracle'), counted(1200, 'token')]).toEqual([
    '18,243',
    '1 Oracle',
    '1,200 tokens',
  ])
  expect([0, 0.604, 1, 7, -1].map(percent)).toEqual(['0 %', '60 %', '100 %', '100 %', '0 %'])
  expect([999, 1000, 1_423_456, 12_400_000, 3e15].map(bytes)).toEqual([
    '999 B',
    '1.0 kB',
    '1.4 MB',
    '12 MB',
    '3000 TB',
  ])
  expect([0.2, 3.4, 89, 150].map(seconds)).toEqual(['1 s', '3 s', '89 s', '3 min'])
})
