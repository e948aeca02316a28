import { sseData } from '../../../shared/api/sse-data.ts'
import {
  type AskOptions,
  ChatError,
  type ChatErrorKind,
  type ChatEvent,
  type ChatSource,
  type ChatTurn,
  type NodeFacts,
  type Piece,
} from './chat-source.ts'

interface Chunk {
  readonly choices?: readonly {
    readonly delta?: { readonly content?: string }
    readonly finish_reason?: 'stop' | 'length' | null
    readonly shard?: { readonly tokens?: readonly Piece[] }
  }[]
  readonly usage?: {
    readonly prompt_tokens: number
    readonly completion_tokens: number
    readonly completion_tokens_details: {
      readonly accepted_prediction_tokens: number
      readonly rejected_prediction_tokens: number
    }
  } | null
  readonly shard?: { readonly scope: string; readonly seed: string }
  readonly error?: { readonly message: string; readonly code: string | null }
}

interface Health {
  readonly status: string
  readonly pace_ms?: number
  readonly engine: { readonly kind?: string; readonly kernel?: string; readonly state: string }
  readonly model: { readonly name: string; readonly id: string } | null
  readonly models?: readonly {
    readonly id: string
    readonly state: string
    readonly bytes: number
    readonly resident_bytes: number | null
  }[]
  readonly mesh?: { readonly scope: string }
  readonly workers: readonly { readonly origin: string }[]
}

interface Models {
  readonly data: readonly {
    readonly id: string
    readonly shard?: { readonly name: string | null; readonly state: string }
  }[]
}

/** An Oracle's OpenAI-compatible API, at `base` (empty: where this page came from). */
export class HttpSource implements ChatSource {
  readonly lookEveryMs = 4_000
  readonly #base: string
  readonly #key: () => string
  readonly #where: 'host' | 'local'

  constructor(base: string, key: () => string, where: 'host' | 'local') {
    this.#base = base
    this.#key = key
    this.#where = where
  }

  async node(signal: AbortSignal): Promise<NodeFacts> {
    const [response, list] = await Promise.all([
      this.#fetch('/health', { signal }),
      this.#fetch('/v1/models', { signal }),
    ])
    if (!response.ok && response.status !== 503) throw await errorOf(response)
    const health = (await response.json()) as Health
    const models = list.ok ? ((await list.json()) as Models).data : []
    return {
      model: health.model?.name ?? null,
      modelId: health.model?.id ?? null,
      models: models.map(({ id, shard }) => ({
        id,
        name: shard?.name ?? null,
        isLoaded: shard?.state === 'loaded',
      })),
      loading: loadingOf(health),
      where: this.#where,
      engine: [health.engine.kind, health.engine.kernel].filter(Boolean).join(', ') || health.engine.state,
      paceMs: health.pace_ms ?? 0,
      scope: health.mesh?.scope ?? 'none',
      scouts: health.workers.filter(({ origin }) => origin === 'scout').length,
    }
  }

  async *ask(
    turns: readonly ChatTurn[],
    options: AskOptions,
    signal: AbortSignal,
  ): AsyncGenerator<ChatEvent> {
    const response = await this.#fetch('/v1/chat/completions', {
      method: 'POST',
      body: JSON.stringify({
        messages: turns,
        ...(options.model !== null && { model: options.model }),
        stream: true,
        stream_options: { include_usage: true },
        temperature: options.temperature,
        ...(options.maxTokens !== null && { max_tokens: options.maxTokens }),
        ...(options.seed !== null && { seed: options.seed }),
        ...(options.scope !== null && { shard: { scope: options.scope } }),
      }),
      signal,
    })
    if (!response.ok) throw await errorOf(response)
    let begun = false
    let reason: 'stop' | 'length' = 'stop'
    let ended = false
    try {
      for await (const data of sseData(response.body!)) {
        const chunk = JSON.parse(data) as Chunk
        if (chunk.error) throw new ChatError(kindOf(500, chunk.error.code), chunk.error.message)
        if (!begun && chunk.shard) {
          begun = true
          yield { type: 'begin', ...chunk.shard }
        }
        const [choice] = chunk.choices ?? []
        const text = choice?.delta?.content
        const pieces = choice?.shard?.tokens ?? (text ? [[text, null] as const] : [])
        if (pieces.length > 0) yield { type: 'pieces', pieces }
        reason = choice?.finish_reason ?? reason
        if (chunk.usage) {
          ended = true
          yield { type: 'end', reason, usage: usageOf(chunk.usage) }
        }
      }
    } catch (cause) {
      if (signal.aborted || cause instanceof ChatError) throw cause
      throw new ChatError('interrupted', 'the connection was lost', null, { cause })
    }
    if (!ended) throw new ChatError('interrupted', 'the answer ended early')
  }

  async #fetch(path: string, init: RequestInit): Promise<Response> {
    const key = this.#key()
    try {
      return await fetch(this.#base + path, {
        ...init,
        cache: 'no-store',
        headers: {
          ...(init.method === 'POST' && { 'Content-Type': 'application/json' }),
          ...(key && { Authorization: `Bearer ${key}` }),
        },
      })
    } catch (cause) {
      if (init.signal?.aborted) throw cause
      throw new ChatError('gone', 'the Oracle does not answer', null, { cause })
    }
  }
}

function loadingOf({ models = [] }: Health): NodeFacts['loading'] {
  const loading = models.find(({ state }) => state === 'loading')
  if (!loading) return null
  const { id, bytes, resident_bytes } = loading
  // What its process holds beside the model is little, unless the model is.
  return { id, fraction: resident_bytes === null ? null : Math.min(1, resident_bytes / bytes) }
}

const MODEL_CODES: ReadonlySet<string | null> = new Set([
  'model_not_found',
  'model_not_loadable',
  'model_load_failed',
  'insufficient_memory',
])

function usageOf(usage: NonNullable<Chunk['usage']>) {
  const { accepted_prediction_tokens, rejected_prediction_tokens } = usage.completion_tokens_details
  return {
    promptTokens: usage.prompt_tokens,
    tokens: usage.completion_tokens,
    accepted: accepted_prediction_tokens,
    rejected: rejected_prediction_tokens,
  }
}

async function errorOf(response: Response): Promise<ChatError> {
  const body = (await response.json().catch(() => null)) as Chunk | null
  const message = body?.error?.message ?? `the Oracle answered ${response.status}`
  const retryAfter = Number(response.headers.get('retry-after'))
  return new ChatError(
    kindOf(response.status, body?.error?.code ?? null),
    message,
    Number.isFinite(retryAfter) && retryAfter > 0 ? retryAfter : null,
  )
}

function kindOf(status: number, code: string | null): ChatErrorKind {
  if (code === 'context_length_exceeded') return 'too-long'
  if (code === 'overloaded' || status === 429) return 'overloaded'
  if (MODEL_CODES.has(code)) return 'model'
  if (code === 'engine_not_ready') return 'starting'
  if (code === 'shutting_down') return 'stopping'
  if (status === 401) return 'key'
  return status >= 400 && status < 500 ? 'refused' : 'failed'
}
