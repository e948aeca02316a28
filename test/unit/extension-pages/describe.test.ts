import { describe, expect, it } from 'vitest'
import { describe as describeState } from '../../../entrypoints/pages/describe.ts'
import { describeHost } from '../../../entrypoints/pages/describe-host.ts'
import { describeOracle } from '../../../entrypoints/pages/describe-oracle.ts'
import type { DaemonState } from '../../../shared/bridge/messages.ts'
import { attached, extension, host, oracle, PEER_A, PEER_B, running, status, webSocket } from './states.ts'

const off = { scoutMode: false }
const stopped = (part: Partial<Extract<DaemonState, { state: 'stopped' }>> = {}): DaemonState => ({
  state: 'stopped',
  startable: true,
  cause: 'never',
  why: 'nobody started it',
  ...part,
})

describe('the state in words', () => {
  it('is off, and nothing else, while Scout Mode is off', () => {
    const { phase, tone, title } = describeState(extension({ settings: off }))
    expect([phase, tone, title]).toEqual(['off', 'off', 'Scout Mode is off'])
    // A document that is still closing says nothing of interest any more.
    expect(describeState(extension({ settings: off, scout: { phase: 'drafting' } })).phase).toBe('off')
  })

  it('is loading from the click on: before there is a document, before there are numbers, and with them', () => {
    expect(describeState(extension({})).phase).toBe('loading')
    expect(describeState(extension({ scout: { phase: 'loading' } })).detail).toBe('One moment.')
    const loading = { fraction: 0.3, bytes: 1_260_000, totalBytes: 4_200_000, secondsLeft: null }
    const at = (part: object) =>
      describeState(
        extension({ scout: { phase: 'loading', loading: { step: 'read', ...loading, ...part } } }),
      )
    expect(at({}).detail).toBe('1.3 MB of 4.2 MB')
    expect(at({ secondsLeft: 2.4 }).detail).toBe('1.3 MB of 4.2 MB · 2 s left')
    expect(at({ step: 'compile', secondsLeft: 200 }).detail).toBe('Preparing the engine · 3 min left')
  })

  it('tells searching, refused and no Oracle at all apart', () => {
    const waiting = (refusals: Record<string, string>, oracles = [oracle(PEER_A), oracle(PEER_B)]) =>
      describeState(
        extension({
          settings: { oracles },
          scout: { phase: 'searching', scout: status({ refusals }) },
        }),
      )
    expect(waiting({}).phase).toBe('searching')
    expect(waiting({}, []).phase).toBe('no-oracle')
    expect(waiting({}, []).help).toContain('join link')
    // One refuses, the other may still take it.
    expect(waiting({ [PEER_A]: 'full' }).phase).toBe('searching')
    expect(waiting({ [PEER_A]: 'full', [PEER_B]: 'full' })).toMatchObject({ phase: 'refused', tone: 'bad' })
  })

  it.each([
    ['not-paired', /join link with an invitation/],
    ['invite', /new join link/],
    ['tokenizer', /another Oracle/],
    ['full', /asks again/],
    ['too-many', /asks again/],
    ['not-ready', /asks again/],
    ['banned', /ends by itself/],
    ['a-word-of-tomorrow', /asks again/],
  ])('says what to do about the refusal %s', (reason, help) => {
    const state = extension({
      scout: { phase: 'searching', scout: status({ refusals: { [PEER_A]: reason } }) },
    })
    expect(describeState(state)).toMatchObject({ phase: 'refused', help: expect.stringMatching(help) })
    expect(describeOracle(oracle(PEER_A), state)).toMatchObject({
      state: 'refused',
      help: expect.stringMatching(help),
    })
  })

  it('is ready in a pool, drafting at work, and says aloud the same of both', () => {
    const scout = status({ oracles: [PEER_A], refusals: { [PEER_B]: 'full' } })
    const ready = describeState(extension({ scout: { phase: 'ready', scout } }))
    expect(ready).toMatchObject({ phase: 'ready', tone: 'good', detail: 'Stands by for 1 Oracle.' })
    expect(ready.help).toContain('1 Oracle did not take this Scout')
    const drafting = describeState(
      extension({ scout: { phase: 'drafting', scout: { ...scout, state: 'drafting', assignments: 2 } } }),
    )
    expect(drafting).toMatchObject({
      phase: 'drafting',
      tone: 'active',
      detail: 'for 2 requests at the moment',
    })
    expect(drafting.announcement).toBe(ready.announcement)
    // Progress is not said aloud either.
    const loading = { step: 'read', fraction: 0, bytes: 0, totalBytes: 9, secondsLeft: 3 } as const
    const at = (bytes: number) =>
      describeState(extension({ scout: { phase: 'loading', loading: { ...loading, bytes } } })).announcement
    expect(at(1)).toBe(at(8))
  })

  it('is paused on battery, and says how not to be', () => {
    const state = extension({ scout: { phase: 'paused', pausedBecause: 'battery' } })
    expect(describeState(state)).toMatchObject({
      phase: 'paused',
      detail: expect.stringContaining('battery'),
    })
    expect(describeState(state).help).toContain('Only on power')
  })

  it('passes on what went wrong and what to do', () => {
    const problem = { code: 'DEVICE_LOST', message: 'The device was lost.', help: 'Close the game.' }
    expect(describeState(extension({ scout: { phase: 'error', problem } }))).toMatchObject({
      phase: 'error',
      tone: 'bad',
      detail: problem.message,
      help: problem.help,
      announcement: 'Scout Mode has a problem. Close the game.',
    })
    expect(describeState(extension({ scout: { phase: 'error' } })).help).toBe('Try again.')
  })

  it('is the local Oracle, with model, engine and memory, whatever Scout Mode is', () => {
    for (const settings of [{}, off]) {
      const words = describeState(extension({ settings, host: attached() }))
      expect(words).toMatchObject({ phase: 'local', tone: 'good', title: 'Local Oracle' })
      expect(words.detail).toBe('Shard Tales target · native, avx2 · 123 MB RAM, no VRAM')
    }
    const onGpu = running({ memory: { ram_bytes: null, vram_bytes: 2_500_000_000 } })
    expect(describeState(extension({ host: attached(onGpu) })).detail).toContain('RAM unknown, 2.5 GB VRAM')
  })

  it('drafts beside the local Oracle where the user wants both', () => {
    const state = extension({
      settings: { beside: 'draft' },
      host: attached(),
      scout: { phase: 'ready', scout: status({ oracles: [PEER_A] }) },
    })
    expect(describeState(state).phase).toBe('ready')
  })

  it('is starting while the local Oracle is, and no longer once its engine failed', () => {
    expect(describeState(extension({ host: host({ state: 'starting' }) })).phase).toBe('starting')
    const failed = running({ engine: { state: 'failed', kind: null, kernel: null, why: 'out of memory' } })
    expect(describeState(extension({ host: attached(failed) })).phase).toBe('loading')
    expect(describeHost(attached(failed))).toMatchObject({ state: 'failed', detail: 'out of memory' })
  })
})

describe('the native host in words', () => {
  it('is nothing where there is none', () => {
    expect(describeHost(host(null, { port: 'absent' }))).toBeNull()
    expect(describeHost(host(null, { port: 'opening' }))).toBeNull()
  })

  it('offers to start what can be started', () => {
    expect(describeHost(host(stopped()))).toMatchObject({ state: 'stopped', action: 'Start local Oracle' })
    expect(describeHost(host(stopped({ startable: false, why: 'the model is gone' })))).toMatchObject({
      action: null,
      detail: 'the model is gone',
    })
    expect(describeHost(host(stopped({ cause: 'lost', why: 'it was killed' })))).toMatchObject({
      title: 'The local Oracle was lost',
      detail: 'it was killed',
      action: 'Start local Oracle',
    })
    // It runs, and this browser has no token of it yet: the background is at it.
    expect(describeHost(host(running()))).toMatchObject({ state: 'starting', action: null })
    expect(describeState(extension({ host: host(running()) })).phase).toBe('starting')
  })

  it('passes on what went wrong, and may be tried again where that makes sense', () => {
    const problem = { code: 'START_FAILED', message: 'The port is taken.', help: 'Run shard doctor.' }
    const words = { state: 'failed', detail: problem.message, help: problem.help }
    expect(describeHost(host(stopped(), { problem }))).toMatchObject({
      ...words,
      action: 'Start local Oracle',
    })
    expect(describeHost(host(running(), { problem }))).toMatchObject({ ...words, action: 'Use local Oracle' })
    expect(describeHost(host(null, { port: 'absent', problem }))).toMatchObject({ ...words, action: null })
  })

  it('says what a busy or recovering engine is at', () => {
    const busy = running({ load: { slots: 4, running: 2, queued: 1 } })
    expect(describeHost(attached(busy))?.help).toBe('2 requests running, 1 waiting.')
    const restarting = running({ engine: { state: 'restarting', kind: null, kernel: null, why: '' } })
    expect(describeHost(attached(restarting))?.help).toContain('restarting')
    const idle = running({ engine: { state: 'unloaded', kind: null, kernel: null, why: '' }, model: null })
    expect(describeHost(attached(idle))).toMatchObject({
      state: 'running',
      detail: expect.stringContaining('no model'),
      help: 'No model is loaded: the next request loads one.',
    })
  })
})

describe('one listed Oracle in words', () => {
  it('is idle while nothing is drafted here', () => {
    expect(describeOracle(oracle(PEER_A), extension({ settings: off })).title).toBe('Scout Mode is off')
    expect(describeOracle(oracle(PEER_A), extension({ host: attached() }))).toMatchObject({ state: 'idle' })
  })

  it('is joined, refused or still being dialled', () => {
    const state = extension({ scout: { phase: 'ready', scout: status({ oracles: [PEER_A] }) } })
    expect(describeOracle(oracle(PEER_A), state)).toMatchObject({ state: 'joined', tone: 'good' })
    const invited = describeOracle(oracle(PEER_B, '00'.repeat(16)), state)
    expect(invited).toMatchObject({ state: 'connecting', help: expect.stringContaining('invitation') })
    // A refusal may be known by the address alone.
    const byAddress = extension({
      scout: { phase: 'searching', scout: status({ refusals: { [webSocket(PEER_A)]: 'full' } }) },
    })
    expect(describeOracle(oracle(PEER_A), byAddress).state).toBe('refused')
  })
})
