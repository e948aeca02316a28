import type { Socket } from 'node:net'
import type { Log } from '../../shared/log.ts'
import type { DeviceDesk } from '../daemon/device-desk.ts'
import { ShardError } from '../daemon/shard-error.ts'
import { type Claim, claim } from './claim.ts'
import { askPid } from './control-client.ts'
import { type FromDaemon, type ToDaemon, toDaemonSchema } from './control-messages.ts'
import { type ControlPlace, controlPlace } from './control-place.ts'
import { LineChannel } from './line-channel.ts'

/** What a daemon that is ready says and does for its bridges. */
export interface ControlSource extends DeviceDesk {
  state(): RunningState
  /** @throws {ShardError} when the peer id is none */
  attach(peerId: string | null): Promise<Omit<Extract<FromDaemon, { type: 'attached' }>, 'type'>>
}

export type RunningState = Extract<Extract<FromDaemon, { type: 'state' }>['daemon'], { state: 'running' }>

/** States of a busy daemon go out at most this often. */
const APART_MS = 250
/** Browsers of one user, and a `shard stop` now and then. */
const MOST_CONNECTIONS = 64
/** Given to the last words. */
const CLOSE_MS = 500

type Channel = LineChannel<ToDaemon, FromDaemon>

/**
 * The daemon's end of the control socket; having it is also what makes this the one daemon of its data folder. From its
 * start it answers `starting`, and after `serve` what the source says. It looks at nothing by itself: whoever changes
 * something calls `changed`, and nothing is read while nobody watches.
 */
export class ControlServer {
  readonly #claim: Claim
  readonly #log: Log
  readonly #channels = new Set<Channel>()
  readonly #watchers = new Set<Channel>()
  readonly #source = Promise.withResolvers<ControlSource>()
  readonly #stop = Promise.withResolvers<void>()
  #ready: ControlSource | null = null
  #sent = ''
  #sentAt = Number.NEGATIVE_INFINITY
  #timer: NodeJS.Timeout | null = null

  private constructor(held: Claim, log: Log) {
    this.#claim = held
    this.#log = log
    held.server.maxConnections = MOST_CONNECTIONS
    held.server.on('connection', (socket) => this.#accept(socket))
    this.#source.promise.catch(() => {})
  }

  /** @throws {ShardError} ALREADY_RUNNING with its process id, CANNOT_LISTEN */
  static async start(dataFolder: string, log: Log): Promise<ControlServer> {
    const place = controlPlace(dataFolder)
    const held = await claim(place)
    if (held === null) throw await alreadyRunning(place, dataFolder)
    return new ControlServer(held, log)
  }

  /** Resolves when somebody has asked the daemon to stop. */
  get stopAsked(): Promise<void> {
    return this.#stop.promise
  }

  /** The daemon is ready. @throws {ShardError} ALREADY_RUNNING when another one has taken its place meanwhile */
  serve(source: ControlSource): void {
    if (!this.#claim.holds())
      throw new ShardError('ALREADY_RUNNING', 'another daemon has started in the same moment, and runs on')
    this.#ready = source
    this.#source.resolve(source)
    this.changed()
  }

  /** Something that `state` shows may have changed. */
  changed(): void {
    if (this.#watchers.size === 0 || this.#timer) return
    const wait = this.#sentAt + APART_MS - performance.now()
    this.#timer = setTimeout(() => this.#push(), Math.max(0, wait))
  }

  /** Says goodbye, with the reason, and closes: the last thing a daemon does. */
  async close(why: string): Promise<void> {
    if (this.#timer) clearTimeout(this.#timer)
    this.#claim.release()
    this.#source.reject(new ShardError('NO_DAEMON', `the daemon has ended: ${why}`))
    const closed = [...this.#channels].map((channel) => {
      const { promise, resolve } = Promise.withResolvers<void>()
      this.#closing.set(channel, resolve)
      channel.send({ type: 'bye', why })
      channel.end()
      return promise
    })
    const late = Promise.withResolvers<void>()
    const timer = setTimeout(late.resolve, CLOSE_MS)
    await Promise.race([Promise.all(closed), late.promise])
    clearTimeout(timer)
    for (const channel of this.#channels) channel.destroy()
  }

  readonly #closing = new Map<Channel, () => void>()

  #accept(socket: Socket): void {
    const channel: Channel = new LineChannel<ToDaemon, FromDaemon>(socket, toDaemonSchema, {
      message: (message) => void this.#answer(channel, message),
      broken: (why) => {
        this.#log.warn({ why }, 'a client of the control socket was dropped')
        channel.send({ type: 'error', code: 'BAD_MESSAGE', message: `this connection ends: ${why}` })
      },
      closed: () => {
        this.#channels.delete(channel)
        this.#watchers.delete(channel)
        this.#closing.get(channel)?.()
      },
    })
    this.#channels.add(channel)
  }

  async #answer(channel: Channel, message: ToDaemon): Promise<void> {
    if (message.type === 'watch') {
      this.#watchers.add(channel)
      // The next push must reach this one, whatever the others know already.
      this.#sent = ''
      return channel.send(this.#state())
    }
    if (message.type === 'stop') {
      channel.send({ type: 'stopping', pid: process.pid })
      return this.#stop.resolve()
    }
    try {
      const source = await this.#source.promise
      const answer = await ask(source, message)
      // Whoever watches knows that the daemon runs before it is told where.
      if (answer.type === 'attached' && this.#watchers.has(channel)) channel.send(this.#state())
      channel.send(answer)
    } catch (error) {
      if (!(error instanceof ShardError)) this.#log.error({ err: error }, `${message.type} failed`)
      const code = error instanceof ShardError ? error.code : 'INTERNAL'
      channel.send({ type: 'error', code, message: (error as Error).message })
    }
  }

  #state(): FromDaemon {
    return { type: 'state', pid: process.pid, daemon: this.#ready?.state() ?? { state: 'starting' } }
  }

  #push(): void {
    this.#timer = null
    const state = this.#state()
    const facts = JSON.stringify(state, (key, value: unknown) => (key === 'memory' ? undefined : value))
    // Memory alone is no news: it always changes.
    if (facts === this.#sent) return
    this.#sent = facts
    this.#sentAt = performance.now()
    for (const channel of this.#watchers) channel.send(state)
  }
}

type Question = Exclude<ToDaemon, { type: 'watch' | 'stop' }>

/** @throws {ShardError} */
async function ask(source: ControlSource, message: Question): Promise<FromDaemon> {
  switch (message.type) {
    case 'attach':
      return { type: 'attached', ...(await source.attach(message.peer_id ?? null)) }
    case 'invite':
      return { type: 'invited', ...source.invite(message.hours) }
    case 'devices':
      return { type: 'devices', devices: source.devices() }
    case 'remove-device':
      await source.removeDevice(message.peer_id)
      return { type: 'device-removed', peer_id: message.peer_id }
  }
}

async function alreadyRunning(place: ControlPlace, dataFolder: string): Promise<ShardError> {
  const pid = await askPid(place)
  return new ShardError(
    'ALREADY_RUNNING',
    `a Shard daemon already runs for ${dataFolder}${pid === null ? '' : `, process ${pid}`}: \`shard stop\` ends it, SHARD_HOME names another folder`,
  )
}
