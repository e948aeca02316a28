import {
  type DaemonState,
  type FromBridge,
  type ToBridge,
  toBridgeSchema,
} from '../../shared/bridge/messages.ts'
import { type ControlClient, ControlError } from '../control/control-client.ts'
import type { BackgroundDaemon } from './background-daemon.ts'
import type { DaemonWatch } from './daemon-watch.ts'

export interface SessionOptions {
  readonly version: string
  readonly watch: DaemonWatch
  /** Why the daemon should not even be tried to start; null when it may. */
  readonly hindrance: () => string | null
  readonly start: () => BackgroundDaemon
  send(message: FromBridge): void
}

/** A large model takes long to load; after this the extension is told, and the daemon goes on. */
const START_MS = 120_000
/** More than this at once is no extension of ours. */
const MOST_ATTACHES = 16

type Attach = Extract<ToBridge, { type: 'attach' }>

/** What one browser's port says, and what it is answered. */
export class BridgeSession {
  readonly #options: SessionOptions
  readonly #strictUtf8 = new TextDecoder('utf-8', { fatal: true })
  #told: string | null = null
  #attaches = 0
  #lastAttach: Promise<void> = Promise.resolve()

  constructor(options: SessionOptions) {
    this.#options = options
  }

  /** A frame's body, whatever is in it. */
  receive(body: Uint8Array): void {
    const message = this.#parse(body)
    if (message?.type === 'hello') void this.#hello()
    if (message?.type === 'attach') this.#queue(message)
  }

  changed(daemon: DaemonState): void {
    const facts = factsOf(daemon)
    // Before its hello a port wants no news; memory alone is none.
    if (this.#told === null || this.#told === facts) return
    this.#told = facts
    this.#options.send({ type: 'status', daemon })
  }

  #parse(body: Uint8Array): ToBridge | null {
    let json: unknown
    try {
      json = JSON.parse(this.#strictUtf8.decode(body))
    } catch {
      this.#fail('BAD_MESSAGE', 'that was no JSON: send one object a message, such as {"type":"hello"}')
      return null
    }
    const parsed = toBridgeSchema.safeParse(json)
    if (parsed.success) return parsed.data
    const [issue] = parsed.error.issues
    const place = issue && issue.path.length > 0 ? `${issue.path.join('.')}: ` : ''
    this.#fail('BAD_MESSAGE', `that is no message of this version: ${place}${issue?.message}`)
    return null
  }

  async #hello(): Promise<void> {
    const { watch, version, send } = this.#options
    await watch.known
    this.#told = factsOf(watch.state)
    send({ type: 'hello', version, daemon: watch.state })
  }

  /** One after the other: they are answered in the order in which they came. */
  #queue(message: Attach): void {
    if (this.#attaches >= MOST_ATTACHES) {
      this.#fail('BUSY', `${MOST_ATTACHES} attaches are waiting: wait for their answers`)
      return
    }
    this.#attaches++
    this.#lastAttach = this.#lastAttach
      .then(() => this.#attach(message))
      .catch((error: Error) => {
        const code = error instanceof AttachError || error instanceof ControlError ? error.code : 'INTERNAL'
        this.#fail(code, error.message)
      })
      .finally(() => {
        this.#attaches--
      })
  }

  /** @throws {AttachError} {ControlError} */
  async #attach({ start, peer_id }: Attach): Promise<void> {
    const { watch, send } = this.#options
    await watch.known
    let client = watch.client ?? ((await watch.look()) ? watch.client : null)
    const started = client === null && start ? this.#start() : null
    if (started) client = await this.#firstConnection(started)
    if (client === null)
      throw new AttachError('NOT_RUNNING', 'no daemon runs, and this did not ask to start one')
    try {
      const { url, token, multiaddrs } = await within(START_MS, client.attach(peer_id))
      send({ type: 'attached', url, token, multiaddrs, daemon: watch.state })
    } catch (error) {
      if (!started || (error as ControlError).code !== 'NO_DAEMON') throw error
      // It ended before it was ready: its own words say more than that the line went dead.
      const end = await within(START_MS, started.ended)
      throw failedStart(started, end.lastLines)
    }
  }

  #start(): BackgroundDaemon {
    const { hindrance, start, watch } = this.#options
    const why = hindrance()
    if (why !== null) throw new AttachError('START_FAILED', why)
    watch.watchFolder()
    try {
      return start()
    } catch (error) {
      throw new AttachError('START_FAILED', `the daemon could not be started: ${(error as Error).message}`)
    }
  }

  async #firstConnection(started: BackgroundDaemon): Promise<ControlClient> {
    const { watch } = this.#options
    const first = await within(START_MS, Promise.race([watch.connected, started.ended]))
    if (!('lastLines' in first)) return first
    // Of several browsers that start one, the first wins; the others use it.
    if (first.alreadyRunning && (await watch.look())) return watch.connected
    throw failedStart(started, first.lastLines)
  }

  #fail(code: string, message: string): void {
    this.#options.send({ type: 'error', code, message })
  }
}

function factsOf(daemon: DaemonState): string {
  return JSON.stringify(daemon, (key, value: unknown) => (key === 'memory' ? undefined : value))
}

class AttachError extends Error {
  override readonly name = 'AttachError'
  readonly code: 'NOT_RUNNING' | 'START_FAILED'

  constructor(code: AttachError['code'], message: string) {
    super(message)
    this.code = code
  }
}

function failedStart({ log }: BackgroundDaemon, lastLines: string): AttachError {
  return new AttachError(
    'START_FAILED',
    `the daemon did not start: ${lastLines}\nIts log is ${log}; \`shard doctor\` looks for what is wrong.`,
  )
}

/** @throws {AttachError} */
async function within<T>(ms: number, work: Promise<T>): Promise<T> {
  const late = Promise.withResolvers<never>()
  const timer = setTimeout(() => {
    const text = `the daemon is not ready after ${ms / 1000} s; its state is pushed when it changes`
    late.reject(new AttachError('START_FAILED', text))
  }, ms)
  try {
    return await Promise.race([work, late.promise])
  } finally {
    clearTimeout(timer)
  }
}
