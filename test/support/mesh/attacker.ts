import type { Connection, Stream } from '@libp2p/interface'
import { multiaddr } from '@multiformats/multiaddr'
import { ensureIdentity } from '../../../native-host/mesh/identity.ts'
import { startScoutNode } from '../../../native-host/mesh/scout-node.ts'
import type { MeshNode } from '../../../shared/mesh/node-options.ts'
import { FrameReader, withLength } from '../../../shared/protocol/frame-reader.ts'
import {
  encodeFrame,
  type OracleFrame,
  parseOracleFrame,
  type ScoutFrame,
} from '../../../shared/protocol/frames.ts'
import { LIMITS } from '../../../shared/protocol/limits.ts'
import { DRAFT_PROTOCOL } from '../../../shared/protocol/names.ts'
import { TOY_VOCAB } from '../toy-engine.ts'
import { TOY_TOKENIZER } from './processes.ts'

export const CLAIM: Extract<ScoutFrame, { type: 'claim' }> = {
  type: 'claim',
  claim: {
    draftModel: 'toy',
    tokenizerHash: TOY_TOKENIZER,
    capacity: 16,
    speed: 0,
    job: null,
    contextLength: 2 ** 20,
  },
}

/** A peer that speaks libp2p properly and the draft protocol as it likes. */
export class Attacker {
  readonly node: MeshNode
  readonly #address: string

  private constructor(node: MeshNode, address: string) {
    this.node = node
    this.#address = address
  }

  static async start(directory: string, address: string): Promise<Attacker> {
    const identity = await ensureIdentity(directory)
    return new Attacker(await startScoutNode({ identity, policy: { scope: 'own', listed: [] } }), address)
  }

  get peerId(): string {
    return this.node.peerId.toString()
  }

  dial(): Promise<Connection> {
    return this.node.dial(multiaddr(this.#address))
  }

  async open(): Promise<AttackStream> {
    const connection = await this.dial()
    return new AttackStream(await connection.newStream(DRAFT_PROTOCOL))
  }

  /** A stream of any protocol; what comes back is kept as it came. */
  async openRaw(protocol: string): Promise<RawStream> {
    const connection = await this.dial()
    return new RawStream(await connection.newStream(protocol))
  }

  async stop(): Promise<void> {
    await this.node.stop()
  }
}

/** Sends whatever bytes it is told. */
export class RawStream {
  readonly stream: Stream
  readonly frames: Uint8Array[] = []
  /** The other side has ended it, or its own half of it. */
  readonly closed: Promise<void>

  constructor(stream: Stream, arrived: (frame: Uint8Array) => void = () => {}) {
    this.stream = stream
    const reader = new FrameReader(LIMITS.oracleFrameBytes, LIMITS.frameLengthBytes)
    stream.addEventListener('message', (event) => {
      for (const frame of reader.push(event.data.subarray())) {
        this.frames.push(frame)
        arrived(frame)
      }
    })
    this.closed = new Promise((resolve) => {
      stream.addEventListener('close', () => resolve())
      stream.addEventListener('remoteCloseWrite', () => resolve())
      // An Oracle that refuses may have ended it before anybody listened.
      if (stream.status !== 'open' || stream.remoteWriteStatus === 'closed') resolve()
    })
  }

  raw(...bytes: number[]): void {
    this.stream.send(Uint8Array.from(bytes))
  }

  frame(bytes: Uint8Array): void {
    this.stream.send(withLength(bytes))
  }
}

export class AttackStream extends RawStream {
  readonly received: OracleFrame[] = []
  readonly #watchers = new Set<() => void>()

  constructor(stream: Stream) {
    super(stream, (bytes) => {
      const frame = parseOracleFrame(bytes, TOY_VOCAB)
      if (frame) this.received.push(frame)
      for (const watcher of this.#watchers) watcher()
    })
  }

  send(frame: ScoutFrame): void {
    this.frame(encodeFrame(frame))
  }

  receive<Type extends OracleFrame['type']>(
    type: Type,
    match: (frame: Extract<OracleFrame, { type: Type }>) => boolean = () => true,
  ): Promise<Extract<OracleFrame, { type: Type }>> {
    return new Promise((resolve) => {
      const look = () => {
        const frame = this.received.find(
          (one) => one.type === type && match(one as Extract<OracleFrame, { type: Type }>),
        )
        if (!frame) return
        this.#watchers.delete(look)
        resolve(frame as Extract<OracleFrame, { type: Type }>)
      }
      this.#watchers.add(look)
      look()
    })
  }
}
