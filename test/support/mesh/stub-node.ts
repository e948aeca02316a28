import type { Connection, Stream } from '@libp2p/interface'
import { streamPair } from '@libp2p/utils'
import type { MeshNode } from '../../../shared/mesh/node-options.ts'

type Accept = (stream: Stream, connection: Connection) => void

/** Of a node only this: it takes services, and peers in this process come to them. */
export class StubNode {
  readonly #handlers = new Map<string, Accept>()
  /** Streams of peers, as the service sees them. */
  readonly inbound: Stream[] = []
  /** Peers whose connection the service closed. */
  readonly closed: string[] = []

  get node(): MeshNode {
    const node = {
      handle: async (protocol: string, accept: Accept) => void this.#handlers.set(protocol, accept),
      unhandle: async (protocol: string) => void this.#handlers.delete(protocol),
    }
    return node as unknown as MeshNode
  }

  /** A connection as the peer of this name has it. */
  connect(peerId: string): Connection {
    const ofService = {
      remotePeer: { toString: () => peerId },
      close: async () => void this.closed.push(peerId),
    } as unknown as Connection
    const ofPeer = {
      newStream: async (protocol: string) => {
        const accept = this.#handlers.get(protocol)
        if (!accept) throw Object.assign(new Error(protocol), { name: 'UnsupportedProtocolError' })
        const [near, far] = await streamPair()
        this.inbound.push(far)
        accept(far, ofService)
        return near
      },
    }
    return ofPeer as unknown as Connection
  }
}
