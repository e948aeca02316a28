import type { MeshView } from '../api/context.ts'
import type { OracleMesh } from '../mesh/oracle-mesh.ts'
import type { OracleStatus } from '../oracle/generation.ts'

/** The mesh as the API shows it: what the node knows of its peers, with what the Oracle knows of their drafts. */
export function meshView(mesh: OracleMesh, status: () => OracleStatus): MeshView {
  return {
    topology() {
      const { peerId, scope, addresses } = mesh.topology()
      return { enabled: true, peer_id: peerId, scope, addresses }
    },
    peers() {
      const workers = new Map(status().workers.map((worker) => [worker.id, worker]))
      return mesh.peers().map((peer) => {
        const worker = workers.get(peer.peerId)
        return {
          peer_id: peer.peerId,
          class: peer.role,
          own: peer.own,
          model: peer.model,
          transports: peer.transports,
          addresses: peer.addresses,
          latency_ms: peer.latencyMs,
          drafted: worker?.drafted ?? 0,
          accepted: worker?.accepted ?? 0,
          faults: peer.faults,
          since: new Date(peer.since).toISOString(),
        }
      })
    },
  }
}
