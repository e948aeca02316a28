import { browser } from 'wxt/browser'
import {
  type FromBridge,
  fromBridgeSchema,
  NATIVE_HOST,
  type ToBridge,
} from '../../shared/bridge/messages.ts'
import { type HostState, hasLocalOracle, NO_HOST } from './state.ts'

type Port = ReturnType<typeof browser.runtime.connectNative>

/** A bridge that died is started again after these waits; then only when a page asks. */
const RETRY_MS = [500, 3_000, 15_000]
/** One that has lived for so long died of something new. */
const CALM_MS = 60_000
/** A bridge that has not said hello by then is no help. */
const HELLO_MS = 5_000
/** A daemon that takes longer to load its model is not waited for: drafting begins, and ends when it has come. */
const START_MS = 20_000

/**
 * The port to the native host's bridge, and what came over it. `settled` is when it is known whether there is a host:
 * before that nothing should be decided.
 */
export class NativeHost {
  readonly #onChange: () => void
  #state: HostState = NO_HOST
  #port: Port | null = null
  #settled: Promise<void> = Promise.resolve()
  #settle: () => void = () => {}
  #failures = 0
  #openedAt = 0
  #paired: string | null = null
  #retry: ReturnType<typeof setTimeout> | null = null

  constructor(onChange: () => void) {
    this.#onChange = onChange
  }

  get state(): HostState {
    return this.#state
  }

  /** A bridge answers, or has answered and another one will be tried. */
  get isHeard(): boolean {
    return this.#state.port === 'open' || this.#retry !== null
  }

  /** Resolves when the first answer, or its absence, is known. */
  get settled(): Promise<void> {
    return this.#settled
  }

  /** Opens the port if it is not open. */
  open(): void {
    if (this.#port) return
    if (this.#retry !== null) clearTimeout(this.#retry)
    this.#retry = null
    this.#unsettle(HELLO_MS)
    const port = browser.runtime.connectNative(NATIVE_HOST)
    this.#port = port
    this.#openedAt = performance.now()
    this.#state = { ...NO_HOST, port: 'opening' }
    port.onMessage.addListener((message: unknown) => this.#receive(port, message))
    port.onDisconnect.addListener(() => this.#closed(port))
    this.#send({ type: 'hello', version: browser.runtime.getManifest().version })
  }

  /** Uses the daemon, starting it if it does not run. */
  attach(start: boolean): void {
    this.open()
    if (start) this.#unsettle(START_MS)
    this.#send({ type: 'attach', start })
  }

  /** Makes this browser's Scout one of the daemon's owner's own; once per port and peer. */
  pair(peerId: string): void {
    if (this.#paired === peerId) return
    this.#paired = peerId
    this.#send({ type: 'attach', start: false, peer_id: peerId })
  }

  close(): void {
    const port = this.#port
    this.#port = null
    port?.disconnect()
    this.#become(NO_HOST)
  }

  /** From now on it is open what the host is, for so long at the most. */
  #unsettle(ms: number): void {
    this.#settle()
    const { promise, resolve } = Promise.withResolvers<void>()
    const timer = setTimeout(resolve, ms)
    this.#settled = promise
    this.#settle = () => {
      clearTimeout(timer)
      resolve()
    }
  }

  #send(message: ToBridge): void {
    try {
      this.#port?.postMessage(message)
    } catch {
      // A port that has just closed says so by its event.
    }
  }

  #receive(port: Port, raw: unknown): void {
    if (port !== this.#port) return
    const parsed = fromBridgeSchema.safeParse(raw)
    if (!parsed.success) {
      this.#become({
        ...this.#state,
        problem: {
          code: 'BRIDGE_VERSION',
          message: 'The native host speaks another version.',
          help: 'Update extension and native host to the same version.',
        },
      })
      return
    }
    const message: FromBridge = parsed.data
    switch (message.type) {
      case 'hello':
      case 'status': {
        const { daemon } = message
        const api = daemon.state === 'running' ? this.#state.api : null
        const problem = daemon.state === 'running' ? null : this.#state.problem
        this.#become({ ...this.#state, port: 'open', daemon, api, problem })
        // Another daemon may have come, which knows nothing of this browser.
        if (api === null) this.#paired = null
        if (daemon.state === 'running' && api === null) this.attach(false)
        // A running daemon is attached first; one that was told to start says so, or why not.
        if (daemon.state === 'stopped' && message.type === 'hello') this.#settle()
        return
      }
      case 'attached':
        this.#become({
          port: 'open',
          daemon: message.daemon,
          api: { url: message.url, token: message.token, multiaddrs: message.multiaddrs },
          problem: null,
        })
        this.#settle()
        return
      case 'error':
        this.#become({
          ...this.#state,
          problem: {
            code: message.code,
            message: message.message,
            help: 'Run `shard doctor` to see what is wrong.',
          },
        })
        this.#settle()
    }
  }

  #closed(port: Port): void {
    if (port !== this.#port) return
    const reason = browser.runtime.lastError?.message ?? ''
    const answered = this.#state.port === 'open'
    this.#port = null
    this.#settle()
    if (performance.now() - this.#openedAt > CALM_MS) this.#failures = 0
    const wait = RETRY_MS[this.#failures]
    // One that was never there will not come by trying; one that died may.
    if (answered && wait !== undefined) {
      console.warn('the bridge ended', { reason, wait })
      this.#failures++
      // The first time nothing is decided before it is known whether another bridge comes: the Oracle may well be there.
      if (this.#failures === 1) this.#unsettle(wait + HELLO_MS)
      this.#retry = setTimeout(() => this.open(), wait)
    }
    this.#become(NO_HOST)
  }

  #become(state: HostState): void {
    const had = hasLocalOracle(this.#state)
    const same = JSON.stringify(state) === JSON.stringify(this.#state)
    this.#state = state
    if (!same || had !== hasLocalOracle(state)) this.#onChange()
  }
}
