import type { Connection } from '@libp2p/interface'
import type { Log } from '../../shared/log.ts'
import type { ProtocolError } from '../../shared/protocol/protocol-error.ts'
import type { FaultBook } from './fault-book.ts'

export interface FaultReport {
  readonly faults: FaultBook
  readonly log: Log
  /** A peer broke the protocol. */
  readonly fault?: ((peerId: string, code: string) => void) | undefined
}

/** Counts a fault of the peer at the other end; who has too many is kept out for a while, starting now. */
export function reportFault(
  { faults, log, fault }: FaultReport,
  connection: Connection,
  error: Pick<ProtocolError, 'code' | 'message'>,
): void {
  const peerId = connection.remotePeer.toString()
  const banMs = faults.fault(peerId)
  log.warn({ peerId, code: error.code, reason: error.message, banMs }, 'protocol fault')
  fault?.(peerId, error.code)
  if (banMs > 0) void connection.close().catch(() => {})
}
