import type { Broadcast } from '../../entrypoints/background/messages.ts'
import type { ExtensionState } from '../../entrypoints/background/state.ts'

/** What is broadcast of the state; a part of which nothing was said is missing. */
export type State = Partial<Omit<ExtensionState, 'settings'>>

/** What `watchState` leaves in a page of the extension. */
export interface StateProbe {
  readonly shard: {
    readonly channel: BroadcastChannel
    readonly state: State
    until(when: (state: State) => boolean, ms: number): Promise<State>
  }
}

/** Runs in a page of the extension, which then knows what every page of it is told. */
export function watchState(): void {
  const channel = new BroadcastChannel('shard')
  const listeners = new Set<() => void>()
  const state: { -readonly [K in keyof State]: State[K] } = {}
  channel.addEventListener('message', ({ data }: MessageEvent<Broadcast>) => {
    if (data.type === 'host') Object.assign(state, { host: data.host })
    if (data.type === 'scout') Object.assign(state, { scout: data.scout })
    for (const listener of listeners) listener()
  })
  const until = (when: (state: State) => boolean, ms: number) =>
    new Promise<State>((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error('the time is over')), ms)
      const check = () => {
        if (!when(state)) return
        clearTimeout(timer)
        listeners.delete(check)
        resolve(structuredClone(state))
      }
      listeners.add(check)
      check()
    })
  Object.assign(globalThis, { shard: { channel, state, until } })
}

export interface UntilOptions<G> {
  readonly given?: G
  readonly timeoutMs?: number
}

/**
 * Resolves with the state as soon as it is so; the event is awaited, not the clock.
 * @param evaluate an expression, in the page that watches
 * @param when runs there: a function of the state and of `given`, which is copied
 */
export async function untilState<G>(
  evaluate: (expression: string) => Promise<State>,
  when: (state: State, given: G) => boolean,
  what: string,
  { given, timeoutMs = 60_000 }: UntilOptions<G>,
): Promise<State> {
  try {
    // The page's policy lets no text become a function there; the browser may.
    return await evaluate(
      `globalThis.shard.until((state) => (${when})(state, ${JSON.stringify(given)}), ${timeoutMs})`,
    )
  } catch (cause) {
    const state = await evaluate('globalThis.shard.state').catch(() => 'unknown')
    throw new Error(`not within ${timeoutMs} ms: ${what}; the state is ${JSON.stringify(state, null, 1)}`, {
      cause,
    })
  }
}
