import { describe, expect, it } from 'vitest'
import { SerialQueue } from '../../../shared/engine/serial-queue.ts'

describe('SerialQueue', () => {
  it('runs one task at a time, in order, past failures', async () => {
    const queue = new SerialQueue()
    const log: string[] = []
    const task = (name: string) => async () => {
      log.push(`${name} begins`)
      await Promise.resolve()
      log.push(`${name} ends`)
      if (name === 'b') throw new Error(name)
      return name
    }
    const results = await Promise.allSettled(['a', 'b', 'c'].map((name) => queue.run(task(name))))
    expect(log).toEqual(['a begins', 'a ends', 'b begins', 'b ends', 'c begins', 'c ends'])
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
  })

  it('an aborted wait ends at once, and its task never runs', async () => {
    const queue = new SerialQueue()
    const gate = Promise.withResolvers<void>()
    const first = queue.run(() => gate.promise)
    const abort = new AbortController()
    let ran = false
    const second = queue.run(() => {
      ran = true
    }, abort.signal)
    abort.abort()
    await expect(second).rejects.toMatchObject({ code: 'ABORTED' })
    gate.resolve()
    await first
    await queue.run(() => undefined)
    expect(ran).toBe(false)
  })

  it('a task that has begun decides itself what an abort means', async () => {
    const queue = new SerialQueue()
    const abort = new AbortController()
    const gate = Promise.withResolvers<string>()
    const begun = Promise.withResolvers<void>()
    const result = queue.run(() => {
      begun.resolve()
      return gate.promise
    }, abort.signal)
    await begun.promise
    abort.abort()
    gate.resolve('done')
    expect(await result).toBe('done')
  })
})
