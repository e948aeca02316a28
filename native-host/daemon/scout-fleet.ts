import { type ChildProcess, spawn } from 'node:child_process'
import { join } from 'node:path'
import type { Log } from '../../shared/log.ts'
import { ensureIdentity } from '../mesh/identity.ts'
import type { SelfCommand } from '../packaged/self-command.ts'

export interface FleetOptions {
  readonly count: number
  /** Each Scout has its folder in here, with a lasting identity. */
  readonly directory: string
  /** Starts this program again. */
  readonly self: SelfCommand
  /** Of the one Oracle that they serve. */
  readonly oracles: readonly string[]
  /** More flags of `shard scout`. */
  readonly flags: readonly string[]
  readonly log: Log
}

export interface FleetMember {
  readonly peerId: string
  readonly pid: number | null
  readonly restarts: number
  readonly state: 'running' | 'restarting' | 'stopped'
}

/** First wait before a Scout is started again; doubled with every early end, up to the longest. */
const FIRST_WAIT_MS = 500
const LONGEST_WAIT_MS = 30_000
/** One that ran for this long has not ended early. */
const CALM_MS = 30_000
/** Given to a Scout that was told to stop before it is killed. */
const STOP_MS = 3_000

interface Slot {
  readonly home: string
  readonly peerId: string
  child: ChildProcess | null
  restarts: number
  waitMs: number
  timer: NodeJS.Timeout | null
}

/** Headless Scouts as child processes: started, started again when they die, stopped; they end with this process. */
export class ScoutFleet {
  readonly #options: FleetOptions
  readonly #slots: readonly Slot[]
  #stopped = false

  private constructor(options: FleetOptions, slots: readonly Slot[]) {
    this.#options = options
    this.#slots = slots
  }

  /** Where the Scouts' identities lie: made first, so that the Oracle can be paired with them before they come. */
  static async identities(directory: string, count: number): Promise<readonly string[]> {
    const ids: string[] = []
    for (let i = 0; i < count; i++)
      ids.push((await ensureIdentity(join(homeOf(directory, i), 'mesh'))).peerId)
    return ids
  }

  static async start(options: FleetOptions): Promise<ScoutFleet> {
    const peerIds = await ScoutFleet.identities(options.directory, options.count)
    const slots = peerIds.map((peerId, i) => ({
      home: homeOf(options.directory, i),
      peerId,
      child: null,
      restarts: 0,
      waitMs: FIRST_WAIT_MS,
      timer: null,
    }))
    const fleet = new ScoutFleet(options, slots)
    for (const slot of slots) fleet.#spawn(slot)
    return fleet
  }

  members(): FleetMember[] {
    return this.#slots.map(({ peerId, child, restarts, timer }) => ({
      peerId,
      pid: child?.pid ?? null,
      restarts,
      state: child ? 'running' : timer ? 'restarting' : 'stopped',
    }))
  }

  async stop(): Promise<void> {
    this.#stopped = true
    await Promise.all(this.#slots.map((slot) => this.#stopOne(slot)))
  }

  /** At once, when there is no time for more. */
  kill(): void {
    this.#stopped = true
    for (const { child } of this.#slots) child?.kill('SIGKILL')
  }

  #spawn(slot: Slot): void {
    const { self, oracles, flags, log } = this.#options
    const addresses = oracles.flatMap((address) => ['--oracle', address])
    const startedAt = performance.now()
    slot.timer = null
    // The IPC channel says nothing; its end tells the Scout that its parent is gone.
    const child = spawn(self.command, [...self.args, 'scout', '--home', slot.home, ...addresses, ...flags], {
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    })
    slot.child = child
    log.info({ scout: slot.peerId, scoutPid: child.pid }, 'scout process started')
    const ended = (reason: string) => {
      if (slot.child !== child) return
      slot.child = null
      if (this.#stopped) return
      if (performance.now() - startedAt > CALM_MS) slot.waitMs = FIRST_WAIT_MS
      log.warn(
        { scout: slot.peerId, reason, waitMs: slot.waitMs },
        'scout process ended; it is started again',
      )
      slot.timer = setTimeout(() => {
        slot.restarts++
        this.#spawn(slot)
      }, slot.waitMs)
      slot.waitMs = Math.min(LONGEST_WAIT_MS, slot.waitMs * 2)
    }
    child.once('exit', (code, signal) => ended(signal ?? `exit code ${code}`))
    child.once('error', (error) => ended(error.message))
  }

  async #stopOne(slot: Slot): Promise<void> {
    if (slot.timer) clearTimeout(slot.timer)
    slot.timer = null
    const { child } = slot
    if (!child || child.exitCode !== null || child.signalCode !== null) return
    const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
    child.kill('SIGTERM')
    const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MS)
    await ended
    clearTimeout(timer)
  }
}

function homeOf(directory: string, index: number): string {
  return join(directory, String(index + 1))
}
