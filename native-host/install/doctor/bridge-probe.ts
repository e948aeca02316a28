import { spawn } from 'node:child_process'
import { BRIDGE_LIMITS, type FromBridge, fromBridgeSchema } from '../../../shared/bridge/messages.ts'
import { encodeFrame, FrameReader } from '../../bridge/frames.ts'

export type ProbeResult =
  | { readonly hello: Extract<FromBridge, { type: 'hello' }>; readonly ms: number }
  | { readonly failure: string }

const PROBE_MS = 15_000
const LONGEST_ERROR = 500

/** Starts what a manifest points to, as a browser does, and says hello. */
export async function probeBridge(
  path: string,
  callerArgs: readonly string[],
  version: string,
): Promise<ProbeResult> {
  const startedAt = performance.now()
  const { promise, resolve } = Promise.withResolvers<ProbeResult>()
  const fail = (failure: string) => resolve({ failure })
  // Windows starts batch files by its shell alone; the arguments are this program's own.
  const batch = path.toLowerCase().endsWith('.bat')
  const child = spawn(batch ? `"${path}"` : path, [...callerArgs], {
    stdio: ['pipe', 'pipe', 'pipe'],
    shell: batch,
    windowsHide: true,
  })
  const reader = new FrameReader(BRIDGE_LIMITS.toExtensionBytes)
  let complaint = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    complaint = (complaint + text).slice(-LONGEST_ERROR)
  })
  child.stdin.on('error', () => {})
  child.stdout.on('data', (chunk: Buffer) => {
    try {
      for (const frame of reader.push(chunk)) {
        const message = fromBridgeSchema.parse(JSON.parse(frame.toString('utf8')))
        if (message.type === 'hello') resolve({ hello: message, ms: performance.now() - startedAt })
        if (message.type === 'error') fail(message.message)
      }
    } catch (error) {
      fail(`it wrote something that is no message: ${(error as Error).message.slice(0, LONGEST_ERROR)}`)
    }
  })
  child.once('error', ({ message }) => fail(message))
  child.once('close', (code, signal) =>
    fail(`it ended with ${signal ?? `exit code ${code}`}: ${complaint.trim() || 'it said nothing'}`),
  )
  child.stdin.write(encodeFrame({ type: 'hello', version }, BRIDGE_LIMITS.toHostBytes))
  const timer = setTimeout(() => fail(`it did not answer within ${PROBE_MS / 1000} s`), PROBE_MS)
  const result = await promise
  clearTimeout(timer)
  child.stdin.end()
  child.kill()
  return result
}
