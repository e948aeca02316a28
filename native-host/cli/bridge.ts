import { runBridge } from '../bridge/run-bridge.ts'
import { selfCommand } from '../packaged/self-command.ts'

/** `shard bridge`: what a browser starts where there is no dist/bridge.js, in a single executable. */
export function bridge(callerArgs: readonly string[]): void {
  runBridge(callerArgs, selfCommand())
}
