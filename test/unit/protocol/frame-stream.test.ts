import type { Stream } from '@libp2p/interface'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { FrameStream } from '../../../shared/protocol/frame-stream.ts'
import { LIMITS } from '../../../shared/protocol/limits.ts'
import { ClogStream } from '../../support/mesh/clog-stream.ts'

function open() {
  const clog = new ClogStream()
  const frames: Uint8Array[] = []
  const closed: (string | null)[] = []
  let drained = 0
  const stream = new FrameStream(clog as unknown as Stream, 1024, {
    frame: (frame) => void frames.push(frame),
    drained: () => void drained++,
    closed: (error) => void closed.push((error as { code?: string } | null)?.code ?? null),
  })
  return { clog, stream, frames, closed, drained: () => drained }
}

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

describe('FrameStream', () => {
  it('is not ready while bytes wait, says when they have gone, and gives up when they never go', async () => {
    const { clog, stream, closed, drained } = open()
    clog.writableNeedsDrain = true
    stream.send(new Uint8Array(10))
    expect(stream.ready).toBe(false)
    vi.advanceTimersByTime(LIMITS.stalledWriteMs - 1)
    await clog.drain(false)
    expect([stream.ready, drained()]).toEqual([true, 1])
    vi.advanceTimersByTime(10 * LIMITS.stalledWriteMs)
    expect(closed).toEqual([])

    clog.writableNeedsDrain = true
    stream.send(new Uint8Array(10))
    vi.advanceTimersByTime(LIMITS.stalledWriteMs)
    expect(closed).toEqual(['SLOW'])
    expect(clog.aborted).toMatchObject({ code: 'SLOW' })
    stream.send(new Uint8Array(10))
    expect(clog.sent.length).toBe(2)
  })

  it('bears a slow link for as long as it moves, and notices when it stops', async () => {
    const { clog, stream, closed, drained } = open()
    clog.writableNeedsDrain = true
    stream.send(new Uint8Array(10))
    for (let i = 0; i < 10; i++) {
      vi.advanceTimersByTime(LIMITS.stalledWriteMs - 1)
      await clog.drain(true)
    }
    expect([closed, drained()]).toEqual([[], 0])
    vi.advanceTimersByTime(LIMITS.stalledWriteMs)
    expect(closed).toEqual(['SLOW'])
  })

  it('never holds more than its limit for a peer', () => {
    const { clog, stream, closed } = open()
    clog.writableNeedsDrain = true
    const kilobyte = new Uint8Array(1000)
    while (stream.fits(1000)) stream.send(kilobyte)
    expect(clog.writeBufferLength).toBeLessThanOrEqual(LIMITS.writeQueueBytes + 1000)
    stream.send(kilobyte)
    expect(closed).toEqual(['SLOW'])
  })

  it('gives a frame its time from its first byte, not from its last', () => {
    const { clog, frames, closed } = open()
    clog.arrive(3, 1)
    vi.advanceTimersByTime(LIMITS.frameDeadlineMs - 1)
    clog.arrive(2, 3)
    vi.advanceTimersByTime(LIMITS.frameDeadlineMs)
    expect([frames.length, closed]).toEqual([1, []])
    // Frames that end where others begin are no drip, however long that goes on.
    clog.arrive(1)
    for (let i = 0; i < 10; i++) {
      vi.advanceTimersByTime(LIMITS.frameDeadlineMs / 2)
      clog.arrive(7, 1)
    }
    expect([frames.length, closed]).toEqual([11, []])
    clog.arrive(7)
    clog.arrive(3)
    for (let i = 0; i < 2; i++) {
      vi.advanceTimersByTime(LIMITS.frameDeadlineMs / 2)
      clog.arrive(1)
    }
    expect(closed).toEqual(['FRAME_TIMEOUT'])
  })

  it('says once that it ended, and hears nothing after', () => {
    const { clog, frames, closed } = open()
    clog.dispatchEvent(Object.assign(new Event('close'), { error: undefined }))
    clog.dispatchEvent(new Event('close'))
    clog.arrive(1, 1)
    expect([frames, closed]).toEqual([[], [null]])
  })
})
