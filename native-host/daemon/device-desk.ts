import type { OracleMesh } from '../mesh/oracle-mesh.ts'
import { PairedStoreError } from '../mesh/paired-store.ts'
import { ShardError } from './shard-error.ts'

/** What `shard device` asks of the daemon. */
export interface DeviceDesk {
  /** @throws {ShardError} NO_MESH */
  invite(hours: number): { readonly link: string; readonly expires_at: string }
  /** @throws {ShardError} NO_MESH */
  devices(): { readonly peer_id: string; readonly paired_at: string | null }[]
  /** @throws {ShardError} NO_MESH, NO_DEVICE, PAIRED_FILE */
  removeDevice(peerId: string): Promise<void>
}

export function deviceDesk(mesh: OracleMesh | null): DeviceDesk {
  const running = () => {
    if (mesh) return mesh
    throw new ShardError(
      'NO_MESH',
      'this Oracle takes no part in the mesh, so no device can be paired: see the settings mesh.enabled and mesh.scope',
    )
  }
  return {
    invite(hours) {
      const { link, expiresAt } = running().invite(hours)
      return { link, expires_at: new Date(expiresAt).toISOString() }
    },
    devices: () =>
      running()
        .devices()
        .map(({ peerId, pairedAt }) => ({
          peer_id: peerId,
          paired_at: pairedAt === null ? null : new Date(pairedAt).toISOString(),
        })),
    async removeDevice(peerId) {
      const outcome = await running().unpair(peerId).catch(asShardError)
      if (outcome === 'given')
        throw new ShardError(
          'NO_DEVICE',
          `${peerId} is paired by the setting mesh.paired, or one of this Oracle's own Scouts: remove it there`,
        )
      if (outcome === 'unknown')
        throw new ShardError(
          'NO_DEVICE',
          `no device ${peerId} is paired: \`shard device list\` shows those that are`,
        )
    },
  }
}

/** @throws {ShardError} PAIRED_FILE for what is wrong with the file of paired devices; anything else as it is */
export function asShardError(error: unknown): never {
  if (error instanceof PairedStoreError) throw new ShardError('PAIRED_FILE', error.message, { cause: error })
  throw error
}
