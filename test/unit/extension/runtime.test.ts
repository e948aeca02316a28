import { describe, expect, it, vi } from 'vitest'
import type { Broadcast } from '../../../entrypoints/background/messages.ts'
import type { ScoutState } from '../../../entrypoints/background/state.ts'
import { ScoutRuntime } from '../../../entrypoints/offscreen/runtime.ts'
import { DEFAULT_SETTINGS } from '../../../entrypoints/options/settings.ts'

// Where nothing is loaded, no worker is started: what a worker does is tested in a browser.
vi.mock('../../../entrypoints/offscreen/engine-worker.ts?worker', () => ({
  default: class {
    constructor() {
      throw new Error('a worker was started')
    }
  },
}))

function runtime() {
  const said: ScoutState[] = []
  const phases: string[] = []
  const onIdle = vi.fn()
  const one = new ScoutRuntime({
    model: 'about:blank',
    broadcast: (message: Broadcast) => {
      if (message.type === 'scout') said.push(message.scout)
    },
    onPhase: (phase) => phases.push(phase),
    onNode: () => {},
    onPaired: () => {},
    onIdle,
  })
  return { one, said, phases, onIdle }
}

describe('ScoutRuntime', () => {
  it('loads nothing while it is paused on battery, and says why', async () => {
    const { one, said, phases, onIdle } = runtime()
    one.setOnBattery(true)
    one.assign({ draft: true, settings: { ...DEFAULT_SETTINGS, scoutMode: true } })
    expect(one.state).toMatchObject({ phase: 'paused', pausedBecause: 'battery', engine: null })
    expect(phases).toEqual(['paused'])
    expect(said.length).toBeGreaterThan(0)
    expect(onIdle).not.toHaveBeenCalled()
    one.assign({ draft: false, settings: DEFAULT_SETTINGS })
    await vi.waitFor(() => expect(onIdle).toHaveBeenCalled())
    expect(one.state.phase).toBe('off')
    expect(one.nodes.running).toBe(false)
  })

  it('says what went wrong once, waits, and tries again when it is told to', async () => {
    const { one, phases } = runtime()
    one.assign({ draft: true, settings: { ...DEFAULT_SETTINGS, scoutMode: true, onlyOnPower: false } })
    await vi.waitFor(() => expect(one.state.phase).toBe('error'))
    expect(one.state.problem).toMatchObject({
      help: expect.stringMatching(/./),
      message: expect.stringMatching(/./),
    })
    expect(one.nodes.running).toBe(false)
    one.retry()
    expect(one.state.problem).toBeNull()
    await vi.waitFor(() => expect(one.state.phase).toBe('error'))
    expect(phases).toEqual(['loading', 'error', 'loading', 'error'])
  })

  it('is not done with before a chat that it was opened for has come and gone', async () => {
    const { one, onIdle } = runtime()
    one.assign({ draft: false, settings: DEFAULT_SETTINGS })
    await Promise.resolve()
    expect(onIdle).not.toHaveBeenCalled()
    one.setOnBattery(true)
    const release = one.holdNode()
    release()
    await vi.waitFor(() => expect(onIdle).toHaveBeenCalled())
  })
})
