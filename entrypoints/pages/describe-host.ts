import { type HostState, hasLocalOracle } from '../background/state.ts'
import { bytes, counted } from './figures.ts'

export interface HostDescription {
  readonly state: 'running' | 'starting' | 'stopped' | 'failed'
  readonly title: string
  readonly detail: string
  readonly help?: string
  /** What a click would do about it; null: nothing. */
  readonly action: 'Start local Oracle' | 'Use local Oracle' | null
}

const START = 'Start local Oracle'

/** The native host of this computer in words; null where there is none. */
export function describeHost(host: HostState): HostDescription | null {
  const { daemon, problem, port } = host
  if (port === 'absent' || !daemon) return problem ? failed(problem) : null
  switch (daemon.state) {
    case 'starting':
      return {
        state: 'starting',
        title: 'Local Oracle is starting',
        detail: 'Its model is being loaded.',
        action: null,
      }
    case 'stopped':
      if (problem) return { ...failed(problem), action: daemon.startable ? START : null }
      return {
        state: 'stopped',
        title: daemon.cause === 'lost' ? 'The local Oracle was lost' : 'Local Oracle is not running',
        detail: daemon.startable && daemon.cause !== 'lost' ? 'This computer can run one.' : daemon.why,
        action: daemon.startable ? START : null,
      }
    case 'running':
      if (daemon.engine.state === 'failed')
        return {
          state: 'failed',
          title: 'The local Oracle’s engine has failed',
          detail: daemon.engine.why,
          help: 'shard doctor says more.',
          action: null,
        }
      if (!hasLocalOracle(host))
        return problem
          ? { ...failed(problem), action: 'Use local Oracle' }
          : {
              state: 'starting',
              title: 'Local Oracle is there',
              detail: 'This browser is being connected with it.',
              action: null,
            }
      return {
        state: 'running',
        title: 'Local Oracle',
        detail: [daemon.model?.name ?? 'no model', engineOf(daemon.engine), memoryOf(daemon.memory)].join(
          ' · ',
        ),
        action: null,
        ...(daemon.engine.state !== 'ready' && {
          help:
            daemon.engine.state === 'unloaded'
              ? 'No model is loaded: the next request loads one.'
              : `Its engine is ${daemon.engine.state}; requests wait for it.`,
        }),
        ...(daemon.engine.state === 'ready' &&
          daemon.load.running > 0 && {
            help: `${counted(daemon.load.running, 'request')} running, ${daemon.load.queued} waiting.`,
          }),
      }
  }
}

function failed({ message, help }: { message: string; help: string }): HostDescription {
  return { state: 'failed', title: 'The local Oracle has a problem', detail: message, help, action: null }
}

function engineOf({
  kind,
  kernel,
  state,
}: {
  kind: string | null
  kernel: string | null
  state: string
}): string {
  return [kind, kernel].filter(Boolean).join(', ') || `engine ${state}`
}

function memoryOf({ ram_bytes, vram_bytes }: { ram_bytes: number | null; vram_bytes: number }): string {
  const ram = ram_bytes === null ? 'RAM unknown' : `${bytes(ram_bytes)} RAM`
  return `${ram}, ${vram_bytes === 0 ? 'no VRAM' : `${bytes(vram_bytes)} VRAM`}`
}
