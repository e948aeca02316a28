import { connect } from 'node:net'
import { type FromDaemon, fromDaemonSchema, type ToDaemon } from './control-messages.ts'
import { addressToConnect, type ControlPlace } from './control-place.ts'
import { LineChannel } from './line-channel.ts'

export type DaemonNow = Extract<FromDaemon, { type: 'state' }>
export type Attached = Extract<FromDaemon, { type: 'attached' }>
export type Invited = Extract<FromDaemon, { type: 'invited' }>
export type Device = Extract<FromDaemon, { type: 'devices' }>['devices'][number]

export interface ControlEvents {
  state?(now: DaemonNow): void
  /** @param bye why it ended in order; null when it said nothing: killed or crashed */
  closed?(bye: string | null): void
}

/** What the daemon answered instead, with its own code; `NO_DAEMON` when it ended before it answered. */
export class ControlError extends Error {
  override readonly name = 'ControlError'
  readonly code: string

  constructor(code: string, message: string) {
    super(message)
    this.code = code
  }
}

/** A connection to the running daemon. */
export class ControlClient {
  readonly #channel: LineChannel<FromDaemon, ToDaemon>
  readonly #waiting: PromiseWithResolvers<FromDaemon>[] = []
  readonly #closed = Promise.withResolvers<string | null>()
  #bye: string | null = null
  #open = true

  private constructor(socket: ReturnType<typeof connect>, events: ControlEvents) {
    this.#channel = new LineChannel(socket, fromDaemonSchema, {
      message: (message) => {
        if (message.type === 'state') events.state?.(message)
        else if (message.type === 'bye') this.#bye = message.why
        else this.#waiting.shift()?.resolve(message)
      },
      closed: () => {
        this.#open = false
        for (const { reject } of this.#waiting.splice(0)) reject(gone(this.#bye))
        this.#closed.resolve(this.#bye)
        events.closed?.(this.#bye)
      },
    })
  }

  /** Null when no daemon listens. */
  static connect(place: ControlPlace, events: ControlEvents = {}): Promise<ControlClient | null> {
    const address = addressToConnect(place)
    if (address === null) return Promise.resolve(null)
    return new Promise((resolve) => {
      const socket = connect(address)
      const refused = () => resolve(null)
      socket.once('error', refused)
      socket.once('connect', () => {
        socket.off('error', refused)
        resolve(new ControlClient(socket, events))
      })
    })
  }

  /** Resolves when the connection has ended: with the daemon's last words, if it had any. */
  get closed(): Promise<string | null> {
    return this.#closed.promise
  }

  /** From now on `state` is called, at once and on every change. */
  watch(): void {
    this.#channel.send({ type: 'watch' })
  }

  /** @throws {ControlError} NO_DAEMON when it ends meanwhile, BAD_PEER_ID */
  async attach(peerId?: string): Promise<Attached> {
    const answer = await this.#ask({ type: 'attach', ...(peerId !== undefined && { peer_id: peerId }) })
    if (answer.type === 'attached') return answer
    throw unexpected(answer)
  }

  /** Resolves when the daemon has understood. @returns its process id @throws {ControlError} */
  async stop(): Promise<number> {
    const answer = await this.#ask({ type: 'stop' })
    if (answer.type === 'stopping') return answer.pid
    throw unexpected(answer)
  }

  /** @throws {ShardError} NO_DAEMON, REFUSED */
  async invite(hours: number): Promise<Invited> {
    const answer = await this.#ask({ type: 'invite', hours })
    if (answer.type === 'invited') return answer
    throw unexpected(answer)
  }

  /** @throws {ShardError} NO_DAEMON, REFUSED */
  async devices(): Promise<readonly Device[]> {
    const answer = await this.#ask({ type: 'devices' })
    if (answer.type === 'devices') return answer.devices
    throw unexpected(answer)
  }

  /** @throws {ShardError} NO_DAEMON, REFUSED */
  async removeDevice(peerId: string): Promise<void> {
    const answer = await this.#ask({ type: 'remove-device', peer_id: peerId })
    if (answer.type !== 'device-removed') throw unexpected(answer)
  }

  end(): void {
    this.#channel.destroy()
  }

  #ask(message: ToDaemon): Promise<FromDaemon> {
    if (!this.#open) return Promise.reject(gone(this.#bye))
    const waiting = Promise.withResolvers<FromDaemon>()
    this.#waiting.push(waiting)
    this.#channel.send(message)
    return waiting.promise
  }
}

/** A daemon that hangs is not waited for. */
const ASK_MS = 2_000

/** The state of the daemon at a place; null when there is none, or it does not answer. */
export async function askState(place: ControlPlace): Promise<DaemonNow | null> {
  const { promise, resolve } = Promise.withResolvers<DaemonNow | null>()
  const client = await ControlClient.connect(place, { state: resolve, closed: () => resolve(null) })
  if (client === null) return null
  const timer = setTimeout(() => resolve(null), ASK_MS)
  client.watch()
  const now = await promise
  clearTimeout(timer)
  client.end()
  return now
}

export async function askPid(place: ControlPlace): Promise<number | null> {
  return (await askState(place))?.pid ?? null
}

function gone(bye: string | null): ControlError {
  return new ControlError(
    'NO_DAEMON',
    bye === null
      ? 'the daemon ended before it answered: its log says why'
      : `the daemon ended before it answered: ${bye}`,
  )
}

function unexpected(answer: FromDaemon): ControlError {
  return answer.type === 'error'
    ? new ControlError(answer.code, answer.message)
    : new ControlError('REFUSED', `the daemon said ${answer.type}`)
}
