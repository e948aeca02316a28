// A device in a process of its own, told what to ask an Oracle by messages (IPC) of its parent: a test.
import { ensureIdentity } from '../../../native-host/mesh/identity.ts'
import { startScoutNode } from '../../../native-host/mesh/scout-node.ts'
import { generate, nodeInfo } from '../../../shared/mesh/generate-client.ts'
import { dialOracle } from '../../../shared/mesh/oracle-call.ts'
import { OracleCallError } from '../../../shared/mesh/oracle-call-error.ts'
import { pairWith } from '../../../shared/mesh/pair-client.ts'
import { parseJoinLink } from '../../../shared/protocol/join-link.ts'
import type { DeviceCommand, DeviceEvent, DeviceStart } from './messages.ts'

const say = (event: DeviceEvent) => process.send?.(event)
const start = JSON.parse(process.argv[2] ?? '') as DeviceStart
const identity = await ensureIdentity(start.directory)
const node = await startScoutNode({ identity, policy: { scope: 'own', listed: [] } })
const signal = new AbortController().signal
const cancels = new Map<number, AbortController>()

const codeOf = (error: unknown) => (error instanceof OracleCallError ? error.code : String(error))

async function ask({ id, addresses, request }: Extract<DeviceCommand, { type: 'ask' }>): Promise<void> {
  const cancel = new AbortController()
  cancels.set(id, cancel)
  const options = { signal: cancel.signal }
  const { seed, ...rest } = request
  try {
    const connection = await dialOracle(node, addresses, options)
    const asked = { ...rest, ...(seed !== undefined && { seed: BigInt(seed) }) }
    for await (const event of generate(connection, asked, options)) say({ type: 'event', id, event })
    say({ type: 'ended', id, code: null, message: '', retryAfterS: null })
  } catch (error) {
    const { message, retryAfterS = null } = error as OracleCallError
    say({ type: 'ended', id, code: codeOf(error), message, retryAfterS })
  }
}

async function info(addresses: readonly string[]): Promise<void> {
  try {
    const connection = await dialOracle(node, addresses, { signal })
    say({ type: 'info', info: await nodeInfo(connection, { signal }), code: null })
  } catch (error) {
    say({ type: 'info', info: null, code: codeOf(error) })
  }
}

process.on('message', (command: DeviceCommand) => {
  switch (command.type) {
    case 'pair':
      pairWith(node, parseJoinLink(command.link), { signal }).then(
        () => say({ type: 'paired', code: null }),
        (error: unknown) => say({ type: 'paired', code: codeOf(error) }),
      )
      return
    case 'ask':
      void ask(command)
      return
    case 'cancel':
      cancels.get(command.id)?.abort(new Error('cancelled'))
      return
    case 'info':
      void info(command.addresses)
  }
})
process.on('disconnect', () => process.exit(0))

say({ type: 'ready', peerId: identity.peerId })
