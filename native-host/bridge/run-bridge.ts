import { Console } from 'node:console'
import { BRIDGE_LIMITS, type FromBridge } from '../../shared/bridge/messages.ts'
import { controlPlace } from '../control/control-place.ts'
import type { SelfCommand } from '../packaged/self-command.ts'
import { version } from '../packaged/version.ts'
import { homeFolders } from '../settings/home.ts'
import { loadSettings } from '../settings/load.ts'
import { DEFAULT_SETTINGS, type Settings } from '../settings/schema.ts'
import { allowedCaller, allowedExtensions } from './allowed-extensions.ts'
import { startBackgroundDaemon } from './background-daemon.ts'
import { DaemonWatch } from './daemon-watch.ts'
import { encodeFrame, FrameReader } from './frames.ts'
import { BridgeSession } from './session.ts'
import { startable } from './startable.ts'

/**
 * The bridge: what a browser starts for the extension, one process a port. Speaks native messaging on standard input and
 * output until the input ends, knows at any time how the daemon is, and starts it when it is told to.
 * @param callerArgs what the browser appended to the command line
 * @param shard starts this program with another verb
 */
export function runBridge(callerArgs: readonly string[], shard: SelfCommand): void {
  const send = framesOnly()
  const { settings, problem } = readSettings()
  const caller = allowedCaller(callerArgs, allowedExtensions(settings['bridge.extensions']))
  if (caller === null) {
    send({
      type: 'error',
      code: 'NOT_ALLOWED',
      message:
        'this host serves the Shard extension, and this is another: add its id to the setting bridge.extensions and run `shard install` again',
    })
    note(
      `not for ${JSON.stringify(callerArgs.join(' ').slice(0, 200))}: it is not an extension that is served`,
    )
    process.exit(1)
  }

  const home = homeFolders(process.env)
  const { data } = home
  const ready = () =>
    problem === null ? startable(settings, home, shard) : { startable: false, why: problem }
  const watch = new DaemonWatch({
    place: controlPlace(data),
    startable: ready,
    changed: (state) => session.changed(state),
    note,
  })
  const session = new BridgeSession({
    version,
    watch,
    send,
    hindrance: () => {
      const { startable, why } = ready()
      return startable ? null : why
    },
    start: () => startBackgroundDaemon(shard, data),
  })
  readFrames(session, send)
}

function readFrames(session: BridgeSession, send: (message: FromBridge) => void): void {
  const reader = new FrameReader(BRIDGE_LIMITS.toHostBytes)
  const lost = (error: unknown) => {
    const { code = 'INTERNAL', message } = error as Error & { code?: string }
    note(message)
    send({ type: 'error', code, message })
    process.exit(1)
  }
  process.stdin.on('data', (chunk: Buffer) => {
    try {
      for (const frame of reader.push(chunk)) session.receive(frame)
    } catch (error) {
      lost(error)
    }
  })
  process.stdin.once('error', () => process.exit(0))
  process.stdin.once('end', () => {
    try {
      reader.end()
      process.exit(0)
    } catch (error) {
      lost(error)
    }
  })
}

/** From here on standard output belongs to frames: whatever else would be printed goes to standard error. */
function framesOnly(): (message: FromBridge) => void {
  const { stdout, stderr } = process
  const write = stdout.write.bind(stdout)
  stdout.write = stderr.write.bind(stderr)
  globalThis.console = new Console(stderr, stderr)
  // A browser that has gone needs no answer.
  stdout.on('error', () => process.exit(0))
  return (message) => {
    try {
      write(encodeFrame(message, BRIDGE_LIMITS.toExtensionBytes))
    } catch (error) {
      const { code = 'INTERNAL', message } = error as Error & { code?: string }
      note(message)
      write(encodeFrame({ type: 'error', code, message }, BRIDGE_LIMITS.toExtensionBytes))
    }
  }
}

function readSettings(): { readonly settings: Settings; readonly problem: string | null } {
  try {
    return { settings: loadSettings({ env: process.env }).settings, problem: null }
  } catch (error) {
    return { settings: DEFAULT_SETTINGS, problem: (error as Error).message }
  }
}

function note(text: string): void {
  process.stderr.write(`shard bridge: ${text}\n`)
}
