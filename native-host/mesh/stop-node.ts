import type { MeshNode } from '../../shared/mesh/node-options.ts'
import { LIMITS } from '../../shared/protocol/limits.ts'

/**
 * Stops a node, but waits no longer than a closing stream may take: with live WebRTC connections libp2p's stop may hang,
 * and the process that calls this is about to end. It must end right after, for the same reason.
 */
export async function stopNode(node: MeshNode): Promise<void> {
  await Promise.race([
    Promise.resolve(node.stop()).catch(() => {}),
    new Promise((resolve) => setTimeout(resolve, LIMITS.lingerMs).unref()),
  ])
}
