import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { nodeScript, type SelfCommand } from '../../native-host/packaged/self-command.ts'

export const SHARD = fileURLToPath(new URL('../../dist/shard.js', import.meta.url))

/** None of them outlives this process: its model would fill the memory of whatever is run next. */
const children = new Set<ChildProcess>()
process.on('exit', () => {
  for (const child of children) child.kill('SIGKILL')
})

/** One `shard …` process with its log: of dist/shard.js, which `npm run build` makes, unless another program is given. */
export class ShardProcess {
  readonly child: ChildProcess
  /** Standard output and error so far, as they came. */
  log = ''

  constructor(
    args: readonly string[],
    env: NodeJS.ProcessEnv = {},
    program: SelfCommand = nodeScript(SHARD),
  ) {
    if (!existsSync(SHARD)) throw new Error(`${SHARD} is missing: run npm run build`)
    this.child = spawn(program.command, [...program.args, ...args], {
      stdio: ['pipe', 'pipe', 'pipe'],
      env: { ...process.env, ...env },
    })
    children.add(this.child)
    this.child.once('exit', () => children.delete(this.child))
    for (const stream of [this.child.stdout, this.child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        this.log += text
      })
    }
  }

  get running(): boolean {
    return this.child.exitCode === null && this.child.signalCode === null
  }

  /** Resolves with the match as soon as the log has it. @throws when the process ends or the time is over */
  async waitForLog(pattern: RegExp, timeoutMs = 60_000): Promise<RegExpMatchArray> {
    const signal = AbortSignal.timeout(timeoutMs)
    for (;;) {
      const match = this.log.match(pattern)
      if (match) return match
      if (!this.running) throw new Error(`ended without ${pattern}:\n${this.log}`)
      const more = new AbortController()
      const any = AbortSignal.any([signal, more.signal])
      try {
        await Promise.race([
          once(this.child.stdout!, 'data', { signal: any }),
          once(this.child.stderr!, 'data', { signal: any }),
          once(this.child, 'exit', { signal: any }),
        ])
      } catch (cause) {
        throw new Error(`no ${pattern} in ${timeoutMs} ms:\n${this.log}`, { cause })
      } finally {
        more.abort()
      }
    }
  }

  /** Sends the signal and waits for the end. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    if (!this.running) return
    const ended = once(this.child, 'exit')
    this.child.kill(signal)
    await ended
  }
}

/** A folder for one test, removed when it is disposed of. */
export async function temporaryHome(): Promise<{ path: string; [Symbol.asyncDispose](): Promise<void> }> {
  const path = await mkdtemp(join(tmpdir(), 'shard-test-'))
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true, maxRetries: 3 }) }
}

/** An Oracle on free ports of loopback, ready to answer. */
export async function startOracle(home: string, ...flags: string[]): Promise<ShardProcess & { url: string }> {
  const ports = ['--api-port', '0', '--mesh-tcp-port', '0', '--mesh-ws-port', '0', '--mesh-webrtc-port', '0']
  const oracle = new ShardProcess(['serve', ...ports, ...flags], { SHARD_HOME: home })
  const [url] = await oracle.waitForLog(/http:\/\/127\.0\.0\.1:\d+/)
  const health = await fetch(`${url}/health`)
  if (!health.ok) throw new Error(`/health answered ${health.status}:\n${oracle.log}`)
  return Object.assign(oracle, { url })
}

/** Resolves when so many Scouts stand in the Oracle's pool. */
export async function waitForScouts(url: string, count: number, timeoutMs = 60_000): Promise<void> {
  const signal = AbortSignal.timeout(timeoutMs)
  for (;;) {
    const answer = await (await fetch(`${url}/v1/system/peers`, { signal })).json()
    const scouts = (answer.peers as { class: string }[]).filter((peer) => peer.class === 'scout')
    if (scouts.length >= count) return
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}
