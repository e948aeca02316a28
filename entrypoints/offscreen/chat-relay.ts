import type { Connection } from '@libp2p/interface'
import type { Browser } from 'wxt/browser'
import { generate, nodeInfo } from '../../shared/mesh/generate-client.ts'
import { dialOracle } from '../../shared/mesh/oracle-call.ts'
import { OracleCallError } from '../../shared/mesh/oracle-call-error.ts'
import { transportOf } from '../../shared/mesh/transport.ts'
import type { ChatErrorKind } from '../chat/source/chat-source.ts'
import type { FromMesh, ToMesh } from '../chat/source/mesh-port.ts'
import type { OracleEntry } from '../options/settings.ts'
import type { ScoutRuntime } from './runtime.ts'

/** One chat page's port: asks Oracles of the mesh what the page asks, for as long as the page is there. */
export class ChatRelay {
  readonly #port: Browser.runtime.Port
  readonly #runtime: ScoutRuntime
  readonly #asked = new Map<number, AbortController>()

  constructor(port: Browser.runtime.Port, runtime: ScoutRuntime) {
    this.#port = port
    this.#runtime = runtime
    const release = runtime.holdNode()
    port.onMessage.addListener((message: ToMesh) => {
      if (message.type === 'stop') this.#asked.get(message.id)?.abort()
      else void this.#answer(message)
    })
    port.onDisconnect.addListener(() => {
      for (const stop of this.#asked.values()) stop.abort()
      release()
    })
  }

  async #answer(message: Exclude<ToMesh, { type: 'stop' }>): Promise<void> {
    const stop = new AbortController()
    this.#asked.set(message.id, stop)
    try {
      if (message.type === 'info') await this.#info(message, stop.signal)
      else await this.#ask(message, stop.signal)
    } catch (error) {
      if (!stop.signal.aborted) this.#send({ type: 'error', id: message.id, ...describe(error) })
    } finally {
      this.#asked.delete(message.id)
    }
  }

  async #info({ id, oracles }: ToMesh & { type: 'info' }, signal: AbortSignal): Promise<void> {
    const connection = await this.#connect(oracles, signal)
    const info = await nodeInfo(connection, { signal })
    this.#send({
      type: 'info',
      id,
      facts: {
        oracle: connection.remotePeer.toString(),
        transport: transportOf(connection.remoteAddr),
        model: info.model,
        modelId: info.modelId,
        contextLength: info.contextLength,
        scope: info.scope,
        scouts: info.scouts.length,
      },
    })
  }

  async #ask({ id, oracles, turns, options }: ToMesh & { type: 'ask' }, signal: AbortSignal): Promise<void> {
    const connection = await this.#connect(oracles, signal)
    const { temperature, maxTokens, seed, scope } = options
    const request = {
      messages: turns,
      sampling: { temperature },
      ...(maxTokens !== null && { maxTokens }),
      ...(seed !== null && { seed: BigInt(seed) }),
      ...(scope !== null && { scope }),
    }
    for await (const event of generate(connection, request, { signal })) {
      if (event.type === 'begin')
        this.#send({
          type: 'begin',
          id,
          oracle: connection.remotePeer.toString(),
          scope: event.scope,
          seed: event.seed,
        })
      else if (event.type === 'pieces') this.#send({ type: 'pieces', id, pieces: event.pieces })
      else this.#send({ type: 'end', id, reason: event.reason, usage: event.usage })
    }
  }

  /** The first listed Oracle that can be reached, paired with where there is an invitation. */
  async #connect(oracles: readonly OracleEntry[], signal: AbortSignal): Promise<Connection> {
    const node = await this.#runtime.nodes.ready(signal)
    let last: unknown = new OracleCallError('unreachable', 'no Oracle is listed in the settings')
    for (const { addresses } of oracles) {
      try {
        const connection = await dialOracle(node, addresses, { signal })
        await this.#runtime.nodes.greet(connection, signal)
        return connection
      } catch (error) {
        signal.throwIfAborted()
        last = error
      }
    }
    throw last
  }

  #send(message: FromMesh): void {
    try {
      this.#port.postMessage(message)
    } catch {
      // The page has just gone; its port's event ends the rest.
    }
  }
}

const KINDS: Readonly<Record<string, ChatErrorKind>> = {
  unreachable: 'gone',
  timeout: 'gone',
  interrupted: 'interrupted',
  slow: 'interrupted',
  overloaded: 'overloaded',
  rate_limit_exceeded: 'overloaded',
  engine_not_ready: 'starting',
  shutting_down: 'stopping',
  context_length_exceeded: 'too-long',
  'not-paired': 'refused',
  banned: 'refused',
  invalid_value: 'refused',
  model_not_found: 'model',
  model_not_loadable: 'model',
  model_load_failed: 'model',
  insufficient_memory: 'model',
  unsupported: 'refused',
  request_too_large: 'too-long',
}

function describe(error: unknown): Pick<FromMesh & { type: 'error' }, 'kind' | 'message' | 'retryAfterS'> {
  if (error instanceof OracleCallError)
    return { kind: KINDS[error.code] ?? 'failed', message: error.message, retryAfterS: error.retryAfterS }
  return {
    kind: 'failed',
    message: error instanceof Error ? error.message : String(error),
    retryAfterS: null,
  }
}
