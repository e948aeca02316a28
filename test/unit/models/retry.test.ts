import { describe, expect, it } from 'vitest'
import { statusError } from '../../../native-host/models/http-status.ts'
import { Retries, retryAfterMs, TransientError } from '../../../native-host/models/retry.ts'

const policy = { tries: 3, firstWaitMs: 1, longestWaitMs: 2, mostAskedMs: 50 }
const broken = (waitMs: number | null = null) => new TransientError('BROKEN_OFF', 'broken', { waitMs })
const signal = new AbortController().signal

describe('retries', () => {
  it('end when nothing comes, and begin again with progress', async () => {
    const retries = new Retries(policy)
    for (let i = 0; i < 5; i++) {
      await retries.next(broken(), signal)
      await retries.next(broken(), signal)
      retries.progressed()
    }
    await retries.next(broken(), signal)
    await retries.next(broken(), signal)
    await expect(retries.next(broken(), signal)).rejects.toThrow('broken')
  })

  it('wait as long as they are asked to, within reason', async () => {
    const from = performance.now()
    await new Retries(policy).next(broken(40), signal)
    expect(performance.now() - from).toBeGreaterThan(35)
    await expect(new Retries(policy).next(broken(51), signal)).rejects.toThrow('broken')
  })

  it('end with the reason of the signal', async () => {
    const stop = new AbortController()
    const waiting = new Retries({ ...policy, firstWaitMs: 60_000, longestWaitMs: 60_000 }).next(
      broken(),
      stop.signal,
    )
    stop.abort(new Error('enough'))
    await expect(waiting).rejects.toThrow('enough')
  })
})

it.each([
  [null, null],
  ['7', 7000],
  [' 0 ', 0],
  ['soon', null],
  ['-3', 0],
  ['Thu, 01 Jan 2026 00:00:10 GMT', 10_000],
  ['Thu, 01 Jan 2020 00:00:00 GMT', 0],
])('Retry-After %j is %j ms', (header, ms) => {
  expect(retryAfterMs(header, Date.parse('2026-01-01T00:00:00Z'))).toBe(ms)
})

it.each([
  [404, {}, 'ModelError', 'NOT_FOUND', /spelled/],
  [410, {}, 'ModelError', 'NOT_FOUND', /spelled/],
  [401, {}, 'ModelError', 'UNAUTHORIZED', /set HF_TOKEN/],
  [403, { withToken: true }, 'ModelError', 'UNAUTHORIZED', /HF_TOKEN was sent/],
  [403, { fromHub: false }, 'ModelError', 'UNAUTHORIZED', /model import/],
  [429, { retryAfter: '5' }, 'TransientError', 'RATE_LIMITED', /asks for 5 s/],
  [500, {}, 'TransientError', 'SERVER_FAILED', /goes on where it stopped/],
  [418, {}, 'ModelError', 'SERVER_FAILED', /no file/],
])('status %i %j is %s %s', (status, context, name, code, message) => {
  const error = statusError(status, {
    url: 'https://h/x',
    retryAfter: null,
    withToken: false,
    fromHub: true,
    ...context,
  })
  expect(error).toMatchObject({ name, code })
  expect(error.message).toMatch(message)
})
