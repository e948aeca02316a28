import { type ChildProcess, spawn } from 'node:child_process'
import { EventEmitter, once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { encodeFrame, FrameReader } from '../../native-host/bridge/frames.ts'
import {
  BRIDGE_LIMITS,
  type DaemonState,
  type FromBridge,
  fromBridgeSchema,
  type ToBridge,
} from '../../shared/bridge/messages.ts'
import { CHROMIUM_EXTENSION_ID } from '../../shared/extension/identity.ts'

const BRIDGE = fileURLToPath(new URL('../../dist/bridge.js', import.meta.url))
export const OUR_ORIGIN = `chrome-extension://${CHROMIUM_EXTENSION_ID}/`

type Of<T extends FromBridge['type']> = Extract<FromBridge, { type: T }>

/** One real bridge, as a browser starts it; reads whatever it says, and complains when that is no frame. */
export class BridgeProcess {
  readonly child: ChildProcess
  /** Everything it has said, in order. */
  readonly messages: FromBridge[] = []
  stderr = ''
  /** What came on standard output that was no frame of ours. */
  broken: Error | null = null
  readonly #news = new EventEmitter()
  #seen = 0

  constructor(
    home: string,
    options: { readonly args?: readonly string[]; readonly env?: NodeJS.ProcessEnv } = {},
  ) {
    this.child = spawn(process.execPath, [BRIDGE, ...(options.args ?? [OUR_ORIGIN])], {
      stdio: ['pipe', 'pipe', 'pipe'],
      env: { ...process.env, SHARD_HOME: home, ...options.env },
    })
    const reader = new FrameReader(BRIDGE_LIMITS.toExtensionBytes)
    this.child.stdout!.on('data', (chunk: Buffer) => {
      try {
        for (const frame of reader.push(chunk))
          this.messages.push(fromBridgeSchema.parse(JSON.parse(frame.toString('utf8'))))
      } catch (error) {
        this.broken = error as Error
      }
      this.#news.emit('news')
    })
    this.child.stderr!.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text
    })
    this.child.stdin!.on('error', () => {})
    this.child.once('close', () => this.#news.emit('news'))
  }

  send(message: ToBridge): void {
    this.child.stdin!.write(encodeFrame(message, BRIDGE_LIMITS.toHostBytes))
  }

  write(bytes: Uint8Array): void {
    this.child.stdin!.write(bytes)
  }

  /** The next message that fits, after those that were asked for before. @throws when it ends without one */
  async next(fits: (message: FromBridge) => boolean, timeoutMs = 60_000): Promise<FromBridge> {
    const signal = AbortSignal.timeout(timeoutMs)
    for (;;) {
      for (; this.#seen < this.messages.length; ) {
        const message = this.messages[this.#seen++]!
        if (fits(message)) return message
      }
      if (this.broken) throw this.broken
      if (this.child.exitCode !== null || this.child.signalCode !== null || signal.aborted)
        throw new Error(`no such message; it said ${JSON.stringify(this.messages)} and ${this.stderr}`)
      await once(this.#news, 'news', { signal }).catch(() => {})
    }
  }

  async of<T extends FromBridge['type']>(type: T): Promise<Of<T>> {
    return (await this.next((message) => message.type === type)) as Of<T>
  }

  /** Waits for a pushed state. */
  async status(fits: (state: DaemonState) => boolean): Promise<DaemonState> {
    const message = await this.next((one) => one.type === 'status' && fits(one.daemon))
    return (message as Of<'status'>).daemon
  }

  hello(): Promise<Of<'hello'>> {
    this.send({ type: 'hello', version: '0' })
    return this.of('hello')
  }

  /** Resolves with `attached` or `error`, whichever comes. */
  async attach(start: boolean, peerId?: string): Promise<Of<'attached'> | Of<'error'>> {
    this.send({ type: 'attach', start, ...(peerId !== undefined && { peer_id: peerId }) })
    return (await this.next(({ type }) => type === 'attached' || type === 'error')) as Of<'attached'>
  }

  /** Closes its input, as a browser does, and waits for the end. @returns the exit code */
  async end(): Promise<number | null> {
    this.child.stdin!.end()
    return this.ended()
  }

  async ended(): Promise<number | null> {
    if (this.child.exitCode === null && this.child.signalCode === null) await once(this.child, 'close')
    return this.child.exitCode
  }
}
