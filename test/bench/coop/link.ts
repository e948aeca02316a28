import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'

/** How far away the other end is. */
export interface Distance {
  readonly rttMs: number
  /** At most so much more or less, one way. */
  readonly jitterMs: number
  /** Chance that a packet is lost, one way. */
  readonly loss: number
}

/** What delays and drops packets: the kernel, or a process of ours where the kernel cannot. */
export type LinkKind = 'netem' | 'process'

const SOURCE = fileURLToPath(new URL('delayed-link.cpp', import.meta.url))
const PROGRAM = fileURLToPath(new URL('../../../build/bench/delayed-link', import.meta.url))

/** Which kind of link this machine can have, or why it can have none. */
export function linkKind(): LinkKind | { readonly missing: string } {
  if (process.platform !== 'linux') return { missing: 'network namespaces are Linux alone' }
  if (process.getuid?.() !== 0) return { missing: 'network namespaces need root' }
  if (!runs('ip', '-V')) return { missing: '`ip` is missing (iproute2)' }
  removeAbandoned()
  if (!runs('ip', 'netns', 'add', PROBE)) return { missing: '`ip netns add` failed' }
  try {
    if (
      runs('ip', 'netns', 'exec', PROBE, 'tc', 'qdisc', 'add', 'dev', 'lo', 'root', 'netem', 'delay', '1ms')
    )
      return 'netem'
  } finally {
    runs('ip', 'netns', 'del', PROBE)
  }
  if (!existsSync('/dev/net/tun')) return { missing: 'neither tc netem nor /dev/net/tun is there' }
  return compile() ? 'process' : { missing: 'no tc netem, and no C++ compiler for a link of our own' }
}

const PROBE = `shard-probe-${process.pid}`
const OWN = /^shard-(?:scout|probe)-(\d+)\b/

/** Namespaces of runs that were killed, which nobody else would remove. */
function removeAbandoned(): void {
  for (const line of execFileSync('ip', ['netns', 'list'], { encoding: 'utf8' }).split('\n')) {
    const [, pid] = OWN.exec(line) ?? []
    if (pid !== undefined && !existsSync(`/proc/${pid}`)) runs('ip', 'netns', 'del', line.split(' ')[0]!)
  }
}

function runs(command: string, ...args: string[]): boolean {
  return spawnSync(command, args, { stdio: 'ignore' }).status === 0
}

function compile(): boolean {
  if (existsSync(PROGRAM) && statSync(PROGRAM).mtimeMs > statSync(SOURCE).mtimeMs) return true
  mkdirSync(dirname(PROGRAM), { recursive: true })
  return runs('c++', '-O2', '-std=c++17', '-o', PROGRAM, SOURCE)
}

/** A network namespace for one Scout, and a link between it and ours that can be made longer and shorter. */
export class Link implements AsyncDisposable {
  readonly namespace: string
  /** Our end, as the Scout sees it. */
  readonly address: string
  readonly #kind: LinkKind
  readonly #device: string
  readonly #far: string
  #process: ChildProcess | null = null

  constructor(index: number, kind: LinkKind) {
    this.#kind = kind
    this.namespace = `shard-scout-${process.pid}-${index}`
    this.#device = `shs${process.pid % 10_000}-${index}`
    this.address = `10.77.${index}.1`
    this.#far = `10.77.${index}.2`
    execFileSync('ip', ['netns', 'add', this.namespace])
    this.#there('link', 'set', 'lo', 'up')
  }

  /** Puts the other end at this distance. What was connected over the link before is lost. */
  async connect(distance: Distance): Promise<void> {
    await this.#disconnect()
    const device = this.#device
    if (this.#kind === 'netem') {
      execFileSync('ip', [
        'link',
        'add',
        device,
        'type',
        'veth',
        'peer',
        'name',
        device,
        'netns',
        this.namespace,
      ])
    } else {
      const { rttMs, jitterMs, loss } = distance
      const args = [this.namespace, device, ...[rttMs, jitterMs, loss].map(String)]
      this.#process = spawn(PROGRAM, args, { stdio: ['ignore', 'pipe', 'inherit'] })
      await once(this.#process.stdout!, 'data')
    }
    execFileSync('ip', ['addr', 'add', this.address, 'peer', this.#far, 'dev', device])
    execFileSync('ip', ['link', 'set', device, 'up'])
    this.#there('addr', 'add', this.#far, 'peer', this.address, 'dev', device)
    this.#there('link', 'set', device, 'up')
    if (this.#kind === 'netem') this.#netem(distance)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#disconnect()
    execFileSync('ip', ['netns', 'del', this.namespace])
  }

  #netem({ rttMs, jitterMs, loss }: Distance): void {
    const rule = ['delay', `${rttMs / 2}ms`, `${jitterMs}ms`, 'loss', `${100 * loss}%`, 'limit', '10000']
    const qdisc = ['qdisc', 'add', 'dev', this.#device, 'root', 'netem', ...rule]
    execFileSync('tc', qdisc)
    execFileSync('ip', ['netns', 'exec', this.namespace, 'tc', ...qdisc])
  }

  async #disconnect(): Promise<void> {
    if (this.#process !== null) {
      const ended = once(this.#process, 'exit')
      this.#process.kill()
      await ended
      this.#process = null
    } else if (this.#kind === 'netem') {
      runs('ip', 'link', 'del', this.#device)
    }
  }

  #there(...args: string[]): void {
    execFileSync('ip', ['-n', this.namespace, ...args])
  }
}

/** The arguments that run a command at the link's far end. */
export function farEnd({ namespace }: Link): readonly string[] {
  return ['ip', 'netns', 'exec', namespace]
}
