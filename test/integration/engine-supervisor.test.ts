import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { describe, expect, it, onTestFinished } from 'vitest'
import {
  type EngineState,
  EngineSupervisor,
  type SupervisorInit,
} from '../../native-host/engine/supervisor.ts'
import { nodeScript } from '../../native-host/packaged/self-command.ts'
import { loadReferenceEngine } from '../../shared/engine/reference/reference-engine.ts'
import { randomGguf } from '../support/random-gguf.ts'
import { tempFolder } from '../support/temp-folder.ts'

const ENTRY = fileURLToPath(new URL('../support/engine-entry.ts', import.meta.url))
const OWNER = fileURLToPath(new URL('../support/engine-owner.ts', import.meta.url))
const MODEL = randomGguf()
const TOKENS = Array.from({ length: 200 }, (_, i) => i)

async function modelFile(bytes: Uint8Array = MODEL): Promise<string> {
  const path = join(await tempFolder(), 'model.gguf')
  await writeFile(path, bytes)
  return path
}

function supervise(model: string, init: Partial<SupervisorInit> = {}): EngineSupervisor {
  const supervisor = new EngineSupervisor({
    self: nodeScript(ENTRY),
    load: { model, kind: 'reference' },
    ...init,
  })
  onTestFinished(() => supervisor.stop())
  return supervisor
}

/** Resolves at the next change to `state`. */
function reaches(supervisor: EngineSupervisor, state: EngineState): Promise<string> {
  return new Promise((resolve) => {
    const off = supervisor.onState((event) => {
      if (event.state !== state) return
      off()
      resolve(event.reason)
    })
  })
}

/** Resolves when no process with this id runs any more (an orphan may stay a zombie where nobody reaps it). */
async function isGone(pid: number): Promise<void> {
  while (isRunning(pid)) await new Promise((resolve) => setTimeout(resolve, 20))
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return process.platform !== 'linux' || !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))
  } catch {
    return false
  }
}

describe('EngineSupervisor', () => {
  it('serves the engine of another process, and says which one and why', async () => {
    const supervisor = supervise(await modelFile())
    const states: EngineState[] = []
    supervisor.onState(({ state }) => states.push(state))
    const info = await supervisor.start()
    expect(states).toEqual(['starting', 'ready'])
    expect(supervisor.status.reason).toContain('reference')
    expect(supervisor.status.pid).not.toBe(process.pid)

    const here = await loadReferenceEngine(MODEL)
    expect(info.model).toEqual(here.info.model)
    const sequence = await supervisor.engine.createSequence()
    const theirs = await supervisor.engine.forward([{ sequence, tokens: TOKENS.slice(0, 9), logits: 'all' }])
    const mine = await here.forward([
      { sequence: await here.createSequence(), tokens: TOKENS.slice(0, 9), logits: 'all' },
    ])
    expect(theirs).toEqual(mine)
  })

  it('killed in mid-pass: the call fails with ENGINE_LOST, a new process computes the same', async () => {
    const supervisor = supervise(await modelFile(), { limits: { backoffMs: 1 } })
    await supervisor.start()
    const { engine } = supervisor
    const sequence = await engine.createSequence()
    const [expected] = await engine.forward([{ sequence, tokens: TOKENS, logits: 'last' }])
    await engine.truncate(sequence, 0)

    const pid = supervisor.status.pid!
    const restarting = reaches(supervisor, 'restarting')
    const ready = reaches(supervisor, 'ready')
    const pass = engine.forward([{ sequence, tokens: TOKENS, logits: 'last' }])
    process.kill(pid, 'SIGKILL')
    await expect(pass).rejects.toMatchObject({ code: 'ENGINE_LOST' })
    expect(await restarting).toContain('SIGKILL')
    await ready

    expect(supervisor.status.pid).not.toBe(pid)
    expect(supervisor.restarts).toBe(1)
    await expect(engine.truncate(sequence, 0)).rejects.toMatchObject({ code: 'SEQUENCE_UNKNOWN' })
    const again = await engine.createSequence()
    expect(again).not.toBe(sequence)
    expect(await engine.forward([{ sequence: again, tokens: TOKENS, logits: 'last' }])).toEqual([expected])
  })

  it('refuses calls during an outage at once', async () => {
    const supervisor = supervise(await modelFile(), { limits: { backoffMs: 60_000, maxBackoffMs: 60_000 } })
    await supervisor.start()
    const restarting = reaches(supervisor, 'restarting')
    process.kill(supervisor.status.pid!, 'SIGKILL')
    await restarting
    await expect(supervisor.engine.createSequence()).rejects.toMatchObject({ code: 'ENGINE_LOST' })
    expect(supervisor.engine.info.kind).toBe('reference')
  })

  it('kills a process that hangs and starts another', async () => {
    const limits = { backoffMs: 1, pingMs: 50, silenceMs: 1_500 }
    const supervisor = supervise(await modelFile(), { limits })
    await supervisor.start()
    const restarting = reaches(supervisor, 'restarting')
    process.kill(supervisor.status.pid!, 'SIGSTOP')
    expect(await restarting).toContain('silent')
    await reaches(supervisor, 'ready')
  })

  it('kills a process whose pass never ends', async () => {
    const model = await modelFile(randomGguf({ layers: 12 }))
    const supervisor = supervise(model, { limits: { backoffMs: 1, pingMs: 20, callMs: 100 } })
    await supervisor.start()
    const sequence = await supervisor.engine.createSequence()
    const restarting = reaches(supervisor, 'restarting')
    const pass = supervisor.engine.forward([{ sequence, tokens: TOKENS, logits: 'all' }])
    await expect(pass).rejects.toMatchObject({ code: 'ENGINE_LOST' })
    expect(await restarting).toContain('longer than 100 ms')
  })

  it('waits longer after every crash in a row, up to a bound', async () => {
    const supervisor = supervise(await modelFile(), { limits: { backoffMs: 10, maxBackoffMs: 25 } })
    await supervisor.start()
    const waits: string[] = []
    for (let i = 0; i < 4; i++) {
      const restarting = reaches(supervisor, 'restarting')
      const ready = reaches(supervisor, 'ready')
      process.kill(supervisor.status.pid!, 'SIGKILL')
      waits.push(/in (\d+) ms/.exec(await restarting)![1]!)
      await ready
    }
    expect(waits).toEqual(['10', '20', '25', '25'])
  })

  it('does not go on with another model than it began with', async () => {
    const model = await modelFile()
    const supervisor = supervise(model, { limits: { backoffMs: 1 } })
    await supervisor.start()
    const failed = reaches(supervisor, 'failed')
    await writeFile(model, randomGguf({ layers: 1 }))
    process.kill(supervisor.status.pid!, 'SIGKILL')
    expect(await failed).toContain('changed')
    await expect(supervisor.engine.createSequence()).rejects.toMatchObject({ code: 'ENGINE_LOST' })
  })

  it('carries an abort into the process and leaves the sequence as it was', async () => {
    const supervisor = supervise(await modelFile())
    await supervisor.start()
    const { engine } = supervisor
    const sequence = await engine.createSequence()
    await engine.forward([{ sequence, tokens: [1, 2, 3], logits: 'none' }])
    const abort = new AbortController()
    const pass = engine.forward([{ sequence, tokens: TOKENS, logits: 'all' }], { signal: abort.signal })
    abort.abort()
    await expect(pass).rejects.toMatchObject({ code: 'ABORTED' })
    await expect(engine.truncate(sequence, 4)).rejects.toMatchObject({ code: 'BATCH_INVALID' })
    await engine.truncate(sequence, 3)
  })

  it.each([
    ['a corrupt model', MODEL.slice(0, MODEL.length / 2), 'GGUF_TRUNCATED'],
    ['no model at all', new TextEncoder().encode('<!doctype html>'), 'GGUF_INVALID'],
  ])('refuses %s once and for all', async (_name, bytes, code) => {
    const supervisor = supervise(await modelFile(bytes))
    await expect(supervisor.start()).rejects.toMatchObject({ name: 'EngineError', code })
    expect(supervisor.state).toBe('failed')
    expect(supervisor.restarts).toBe(0)
    await isGone(supervisor.status.pid!)
  })

  it('says which file is missing', async () => {
    const supervisor = supervise('/nonexistent/model.gguf')
    await expect(supervisor.start()).rejects.toMatchObject({
      code: 'MODEL_NOT_FOUND',
      message: expect.stringContaining('/nonexistent/model.gguf'),
    })
  })

  it('gives up on a process that never comes up', async () => {
    const limits = { backoffMs: 1, maxFailedStarts: 3 }
    const supervisor = supervise(await modelFile(), {
      args: [],
      self: nodeScript('/nonexistent/entry.js'),
      limits,
    })
    await expect(supervisor.start()).rejects.toMatchObject({ code: 'ENGINE_LOST' })
    expect(supervisor.restarts).toBe(2)
    expect(supervisor.state).toBe('failed')
  })

  it('leaves no process when stopped, also in mid-pass', async () => {
    const supervisor = supervise(await modelFile())
    await supervisor.start()
    const pid = supervisor.status.pid!
    const sequence = await supervisor.engine.createSequence()
    const pass = supervisor.engine.forward([{ sequence, tokens: TOKENS, logits: 'all' }])
    pass.catch(() => undefined)
    const states: EngineState[] = []
    supervisor.onState(({ state }) => states.push(state))
    await supervisor.stop()
    expect(states).toEqual(['unloaded'])
    expect(() => process.kill(pid, 0)).toThrowError(expect.objectContaining({ code: 'ESRCH' }))
    await expect(pass).rejects.toMatchObject({ name: 'EngineError' })
    await expect(supervisor.engine.createSequence()).rejects.toMatchObject({ code: 'ENGINE_LOST' })
  })

  it('has not failed when it is stopped, be it while it loads or waits to start again', async () => {
    const loading = supervise(await modelFile())
    const states: EngineState[] = []
    loading.onState(({ state }) => states.push(state))
    const start = expect(loading.start()).rejects.toMatchObject({ code: 'ENGINE_LOST' })
    await loading.stop()
    await start
    expect(states).toEqual(['starting', 'unloaded'])

    const waiting = supervise(await modelFile(), { limits: { backoffMs: 60_000, maxBackoffMs: 60_000 } })
    await waiting.start()
    const restarting = reaches(waiting, 'restarting')
    process.kill(waiting.status.pid!, 'SIGKILL')
    await restarting
    await waiting.stop()
    expect(waiting.status).toMatchObject({ state: 'unloaded', reason: 'the engine was stopped' })
  })

  it('the engine ends by itself when its owner is killed', async () => {
    const owner = spawn(process.execPath, [OWNER, ENTRY, await modelFile()], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const [line] = (await once(createInterface(owner.stdout), 'line')) as [string]
    const pid = Number(line)
    process.kill(pid, 0)
    owner.kill('SIGKILL')
    await isGone(pid)
  })
})
